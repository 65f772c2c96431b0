"""Logs: JSON lines for programs, colours for people, and no personal data in either.

Bind what a piece of work is about once, and each of its lines carries it:

    with structlog.contextvars.bound_contextvars(case_id=case_id, event_id=event_id):
        log.info("published", stream_seq=12)
"""

import logging
import os
import sys
from contextvars import ContextVar
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import TextIOBase
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from workers.logs.redaction import redact

QUIET = dict.fromkeys(("transitions", "alembic", "asyncio", "uvicorn.error"), logging.WARNING)
"""Libraries that write too much at INFO."""
_SPEAKER: ContextVar[str | None] = ContextVar("speaker", default=None)
FIRST = ("ts", "level", "event", "service", "version")
"""The first fields of a JSON line."""


def configure_logs(
    service: str,
    *,
    level: str = "info",
    stream: TextIO | TextIOBase | None = None,
    pretty: bool | None = None,
) -> None:
    """Send every log line of this process, ours and those of libraries, through one chain.

    Args:
        service: The name of the process; a task may bear another (`speak_as`).
        level: The lowest level that is shown.
        stream: Where lines go; stdout by default.
        pretty: Write for people; by default if `stream` is a terminal.
    """
    out = sys.stdout if stream is None else stream
    shared = _shared(service)
    root = logging.getLogger()
    root.handlers[:] = [_handler(out, shared, pretty=out.isatty() if pretty is None else pretty)]
    root.setLevel(level.upper())
    for name, lowest in QUIET.items():
        logging.getLogger(name).setLevel(lowest)
    logging.getLogger("asyncio").addFilter(_is_trouble)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def speak_as(service: str) -> None:
    """Let the lines of this task, and of all that it begins, bear another name."""
    _SPEAKER.set(service)


def _handler(
    out: TextIO | TextIOBase, shared: list[Processor], *, pretty: bool
) -> logging.StreamHandler[TextIO | TextIOBase]:
    """Return what writes lines: ours as they come, those of libraries through the same chain."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_ending(pretty))
    )
    return handler


@cache  # a process has one core, whichever of its roles comes first
def forward_temporal_core() -> None:
    """Send the log lines of Temporal's core through the same chain; call before connecting."""
    from temporalio.runtime import (
        LogForwardingConfig,
        LoggingConfig,
        Runtime,
        TelemetryConfig,
        TelemetryFilter,
    )

    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    logs = LoggingConfig(filter=levels, forwarding=forwarding)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=logs)))


def _is_trouble(record: logging.LogRecord) -> bool:
    """Drop what a stopping worker of the SDK leaves: a poll that it ended and never asked."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__name__ != "PollShutdownError"


def app_version() -> str:
    """Return the version of this software."""
    try:
        return version("tuixuan")
    except PackageNotFoundError:  # run from a folder, never installed
        return "0"


def _shared(service: str) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _Stamp(service),
        _name_error,
    ]


def _ending(pretty: bool) -> list[Processor]:  # noqa: FBT001 - one of two endings
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if pretty:
        console = structlog.dev.ConsoleRenderer(
            colors=not os.environ.get("NO_COLOR"), timestamp_key="ts"
        )
        return [drop, _drop_stamp, structlog.processors.format_exc_info, redact, console]
    return [
        drop,
        structlog.processors.format_exc_info,
        redact,
        _order,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


class _Stamp:
    """Adds the name and the version of the process."""

    def __init__(self, service: str) -> None:
        self._service, self._version = service, app_version()

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        service = _SPEAKER.get() or self._service
        return {**event, "service": service, "version": self._version}


def _name_error(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the type of an exception. Its message may hold anything, and comes later, masked."""
    found = event.get("exc_info")
    if found is True:
        found = sys.exc_info()
    kind = found[0] if isinstance(found, tuple) else type(found)
    if isinstance(kind, type) and issubclass(kind, BaseException):
        event["error.type"] = kind.__qualname__
    return event


def _order(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {**{key: event[key] for key in FIRST if key in event}, **event}


def _drop_stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    event.pop("service", None)
    event.pop("version", None)
    return event
