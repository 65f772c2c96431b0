"""One attempt: sign the stored text, post it, and judge the answer."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore2
from standardwebhooks import Webhook

from workers.logs.redaction import redact_text
from workers.settings.webhook import WebhookSettings
from workers.webhook.guard import Guard, Resolve, resolve

READ_BYTES = 65_536
HEAD_CHARACTERS = 200
GONE = 410
OVERLOADED = (429, 503)
_AGENT = b"Tuixuan-Webhooks/1"


@dataclass(frozen=True)
class Answer:
    """How an attempt went.

    Attributes:
        at: When it began.
        status: The HTTP status; None: there was no answer.
        latency_ms: Until the answer was read, or the error.
        error: Why it does not count as taken; None: it was.
        head: How the answer begins.
        wish: How long the receiver wants to be left alone.
    """

    at: datetime
    status: int | None
    latency_ms: int
    error: str | None = None
    head: str | None = None
    wish: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.error is None

    @property
    def overloaded(self) -> bool:
        """Whether the receiver as a whole cannot take more now, and not this one message."""
        return self.status in OVERLOADED

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == GONE


class Poster:
    """Posts messages; no redirects, no proxies, and no address that the guard refuses."""

    def __init__(self, settings: WebhookSettings, resolver: Resolve = resolve) -> None:
        """Take what operators allow, and who looks names up."""
        self._timeout = settings.timeout
        networks, ports = settings.networks, settings.allowed_ports
        self._pools = {
            secure: httpcore2.AsyncConnectionPool(
                network_backend=Guard(networks, ports, public=secure, resolve=resolver),
                max_connections=None,
                max_keepalive_connections=100,
                keepalive_expiry=30.0,
            )
            for secure in (True, False)
        }

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()

    async def post(self, url: str, event_id: str, body: str, secrets: Sequence[str]) -> Answer:
        """Send one message.

        Args:
            url: Where.
            event_id: The `webhook-id`, the same over all attempts.
            body: The exact text.
            secrets: What to sign with; one, or two while rotating.
        """
        at, started = datetime.now(UTC), time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                status, head, wish = await self._ask(url, signed(event_id, body, secrets, at), body)
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is its own affair
            said = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            why = f"{type(error).__name__}: {redact_text(said)}"[:HEAD_CHARACTERS]
            return Answer(at, None, _since(started), why)
        return Answer(at, status, _since(started), _judged(status), head, wish)

    async def _ask(
        self, url: str, headers: list[tuple[bytes, bytes]], body: str
    ) -> tuple[int, str, timedelta | None]:
        pool = self._pools[url.lower().startswith("https:")]
        stream = pool.stream("POST", url, headers=headers, content=body.encode())
        read = b""
        async with stream as response:
            async for part in response.aiter_stream():
                read += part
                if len(read) >= READ_BYTES:
                    break
        head = _head(read)
        given = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        return response.status, head, _retry_after(given.get(b"retry-after"))


def signed(
    event_id: str, body: str, secrets: Sequence[str], at: datetime
) -> list[tuple[bytes, bytes]]:
    """Return the headers of a message, with a signature for each secret."""
    signatures = " ".join(Webhook(secret).sign(event_id, at, body) for secret in secrets)
    return [
        (b"content-type", b"application/json"),
        (b"user-agent", _AGENT),
        (b"webhook-id", event_id.encode()),
        (b"webhook-timestamp", str(int(at.timestamp())).encode()),
        (b"webhook-signature", signatures.encode()),
    ]


def _head(read: bytes) -> str:
    """Return how an answer begins, as text that databases hold and terminals only show."""
    text = read[: 4 * HEAD_CHARACTERS].decode(errors="replace")
    shown = "".join(each if each.isprintable() else " " for each in text)
    return redact_text(" ".join(shown.split()))[:HEAD_CHARACTERS]


def _judged(status: int) -> str | None:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's classes of answers
        return None
    return "a redirect is not followed" if 300 <= status < 400 else f"answered {status}"  # noqa: PLR2004


def _retry_after(text: str | None) -> timedelta | None:
    """Read `Retry-After`: seconds, or a date; None for anything else."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=int(text.strip().lstrip("0")[:10] or 0))
    try:
        wish = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wish, timedelta(0))


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
