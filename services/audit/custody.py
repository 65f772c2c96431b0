"""Entries about the audit itself: evidence handed out, a new signing key."""

from typing import Any

from sqlalchemy import Engine

from models.audit.entries import AuditEntry, EntryKind
from models.audit.signatures import key_id
from models.chain import digest
from models.store.engine import transaction
from services.audit.access import Access, Viewer, enter_access, resolve_org
from services.audit.digest_file import DigestFile
from services.audit.entries import enter_now, refuse_bad_reason
from services.clock import now


def enter_export(engine: Engine, season_id: str, viewer: Viewer, head: str) -> None:
    """Enter that the evidence of a season was handed out.

    Args:
        engine: The record.
        season_id: Of which season.
        viewer: To whom.
        head: The hash of the last line of the audit that was handed out.
    """
    with transaction(engine) as connection:
        accessed = Access("audit.exported", season_id, head, season=season_id)
        enter_access(connection, resolve_org(connection, viewer), accessed)


def rotate_key(
    engine: Engine, digests: DigestFile, viewer: Viewer, new: str | None = None
) -> dict[str, Any]:
    """Change the signing key, and enter who changed it.

    Args:
        engine: The record.
        digests: The digest file, which announces the new key.
        viewer: Who changes it, and their reason.
        new: The new key as PEM text; None: one is made.

    Returns:
        The line of the digest file that announces the new key.

    Raises:
        Refused: `reason_required`, `bad_reason`, `bad_signing_key`, or as
            `DigestFile.rotate` does. The key stays what it was.
    """
    refuse_bad_reason(viewer.reason)  # before: a rotated key must not lack its entry
    line = digests.rotate(viewer.reason or "", now(), new)
    entry = AuditEntry(
        kind=EntryKind.KEY,
        action="audit.key_rotated",
        object=key_id(bytes.fromhex(line["public_key"])),
        actor=viewer.actor,
        after=digest(line),
        reason=viewer.reason,
        request=viewer.request,
    )
    enter_now(engine, entry, now())
    return line
