"""Mail into a folder, for those who have no server."""

import asyncio
import os
from pathlib import Path

from services.notifications.outgoing import OutgoingMessage
from workers.notify.mail import build_mail
from workers.notify.transport import TransportUnavailable
from workers.settings.mail import MailSettings


class FolderTransport:
    """Writes each mail as `<delivery id>.eml` into a folder, which is made when needed."""

    def __init__(self, settings: MailSettings, folder: Path, portal: str | None = None) -> None:
        self._settings, self._folder, self._portal = settings, folder, portal

    async def send(self, message: OutgoingMessage) -> None:
        """Write the file whole or not at all; the same mail again changes nothing."""
        mail = build_mail(message, self._settings, self._portal)
        try:
            await asyncio.to_thread(self._write, message.delivery_id, mail.as_bytes())
        except OSError as error:
            raise TransportUnavailable(f"{type(error).__name__}: {error.strerror}") from error

    async def rest(self) -> None:
        """Nothing was kept open."""

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole, part = self._folder / f"{name}.eml", self._folder / f".{name}.tmp"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(whole)
