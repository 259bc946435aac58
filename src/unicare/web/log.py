"""What the site writes to its log: lines of JSON with the request that they belong to, without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

__all__ = ["configure_logging", "hide_secrets"]

_SECRET_KEYS = re.compile(
    r"passw|token|secret|cookie|authori[sz]ation|api_?key|credential|dsn", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s@]+@")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}", re.IGNORECASE)
_HIDDEN = "[hidden]"
_REQUESTS = "unicare.web.routes.requests"
_QUIET = ("uvicorn.access", "multipart", "python_multipart", "asyncio", "httpx", "httpx2")


def configure_logging(
    stream: TextIO | None = None, level: int = logging.INFO, *, readable: bool = False
) -> None:
    """Sends everything that this process logs to one place, a line of JSON each.

    Args:
        stream: where to; standard error if not given.
        level: of what unicare itself says; of others nothing below INFO, since it may hold what people sent.
        readable: lines for a person at a terminal instead, and requests only at level DEBUG.
    """
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if readable:
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    own = logging.getLogger("unicare")
    own.handlers.clear()
    own.propagate = True
    own.setLevel(level)
    logging.getLogger(_REQUESTS).setLevel(logging.WARNING if readable and level > logging.DEBUG else level)
    for name in _QUIET:  # requests are logged by the site itself, without what stands in their addresses
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes passwords, tokens and keys out of a line: by the name of their field, and by their looks."""
    for key, value in event.items():
        event[key] = _HIDDEN if _SECRET_KEYS.search(key) else _without_secrets(value)
    return event


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return _BEARER.sub(rf"\1 {_HIDDEN}", _URL_PASSWORD.sub(rf"\1:{_HIDDEN}@", value))
    if isinstance(value, dict):
        return {
            key: _HIDDEN if _SECRET_KEYS.search(str(key)) else _without_secrets(one)
            for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _without_secrets(str(value))
