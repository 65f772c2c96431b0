"""Post one webhook: sign the stored text, send it, and read the answer."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore2
from standardwebhooks import Webhook

from models.webhooks.answers import Answer
from workers.logs.redaction import kept_text
from workers.settings.webhook import WebhookSettings
from workers.webhook.guard import Guard, Resolve, resolve

READ_BYTES = 65_536
HEAD_CHARACTERS = 200
_AGENT = b"Tuixuan-Webhooks/1"

type Headers = list[tuple[bytes, bytes]]


class Poster:
    """Posts messages; no redirects, no proxies, and no address that the guard refuses."""

    def __init__(self, settings: WebhookSettings, resolver: Resolve = resolve) -> None:
        """Compose. `settings`: what operators allow; `resolver`: looks names up."""
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
        headers = sign(event_id, body, secrets, at)
        try:
            async with asyncio.timeout(self._timeout):
                status, head, retry_after = await self._send(url, headers, body)
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is its own affair
            words = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            why = kept_text(f"{type(error).__name__}: {words}", HEAD_CHARACTERS)
            return Answer(at, None, _milliseconds_since(started), why)
        return Answer(
            at, status, _milliseconds_since(started), _error_of(status), head, retry_after
        )

    async def _send(
        self, url: str, headers: Headers, body: str
    ) -> tuple[int, str, timedelta | None]:
        pool = self._pools[url.lower().startswith("https:")]
        stream = pool.stream("POST", url, headers=headers, content=body.encode())
        read = b""
        async with stream as response:
            async for part in response.aiter_stream():
                read += part
                if len(read) >= READ_BYTES:
                    break
        given = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        return response.status, _head(read), _retry_after(given.get(b"retry-after"))


def sign(event_id: str, body: str, secrets: Sequence[str], at: datetime) -> Headers:
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
    return kept_text(read[: 4 * HEAD_CHARACTERS].decode(errors="replace"), HEAD_CHARACTERS)


def _error_of(status: int) -> str | None:
    """Return why a status means that the message was not accepted; None: it was."""
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
        wait = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wait, timedelta(0))


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
