"""Post one webhook: sign the stored text, send it, and read the answer."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore2
from standardwebhooks import Webhook

from models.webhooks.answers import Answer
from workers.logs.redaction import kept_text
from workers.outward.guard import Bounds, Guard, Resolve, resolve
from workers.settings.webhook import WebhookSettings

READ_BYTES = 65_536
HEAD_CHARACTERS = 200
BODY_SECONDS = 2.0
"""For what follows the headers of an answer: nobody needs it, and the next message waits."""
POOLS = 500
"""At so many addresses, the connections of those that are idle are closed."""
KEPT_OPEN = 16
"""Connections to one address that stay open between messages."""
_AGENT = b"Tuixuan-Webhooks/1"

type Headers = list[tuple[bytes, bytes]]


class Poster:
    """Posts messages; no redirects, no proxies, and no address that the guard refuses."""

    def __init__(self, settings: WebhookSettings, resolver: Resolve = resolve) -> None:
        """Compose. `settings`: what operators allow; `resolver`: looks names up."""
        self._timeout = settings.timeout
        networks, ports = settings.networks, settings.allowed_ports
        self._guards = {
            secure: Guard(Bounds(networks, ports, public=secure), resolver)
            for secure in (True, False)
        }
        self._pools: dict[str, httpcore2.AsyncConnectionPool] = {}

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
        pool = await self._pool_of(url)
        headers = sign(event_id, body, secrets, at)
        answer, read = None, bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout),
                pool.stream("POST", url, headers=headers, content=body.encode()) as response,
            ):
                # From here on the receiver has spoken: trouble with the rest is no failure.
                answer = _answer(response, at, _milliseconds_since(started))
                async with asyncio.timeout(BODY_SECONDS):
                    await _read_into(read, response)
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is its own affair
            words = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            why = kept_text(f"{type(error).__name__}: {words}", HEAD_CHARACTERS)
            if answer is None:
                return Answer(at, None, _milliseconds_since(started), why)
            return replace(answer, head=_head(read, f"… [not read to its end: {why[:80]}]"))
        return replace(answer, head=_head(read))

    async def _pool_of(self, url: str) -> httpcore2.AsyncConnectionPool:
        """Return the pool of one address: a pool looks through all it holds at each request."""
        if url not in self._pools:
            if len(self._pools) >= POOLS:
                await self._close_idle()
            self._pools[url] = httpcore2.AsyncConnectionPool(
                network_backend=self._guards[url.lower().startswith("https:")],
                max_connections=None,
                max_keepalive_connections=KEPT_OPEN,
                keepalive_expiry=30.0,
            )
        return self._pools[url]

    async def _close_idle(self) -> None:
        """Close the pools that nothing is sent by now."""
        for url, pool in list(self._pools.items()):
            if all(each.is_idle() for each in pool.connections):
                await self._pools.pop(url).aclose()


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


def _answer(response: httpcore2.Response, at: datetime, latency_ms: int) -> Answer:
    """Return what the status line and the headers say."""
    given = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    error, retry_after = _error_of(response.status), _retry_after(given.get(b"retry-after"))
    return Answer(at, response.status, latency_ms, error, retry_after=retry_after)


async def _read_into(read: bytearray, response: httpcore2.Response) -> None:
    """Read the beginning of an answer; what was read stays when an error cuts it short."""
    async for part in response.aiter_stream():
        read += part
        if len(read) >= READ_BYTES:
            break


def _head(read: bytearray, note: str = "") -> str:
    """Return how an answer begins, as text that databases hold and terminals only show."""
    text = read[: 4 * HEAD_CHARACTERS].decode(errors="replace")
    return kept_text(text, HEAD_CHARACTERS - len(note)) + note


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
