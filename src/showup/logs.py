"""Logs are events with values, one a line on stderr; what a secret-like key holds never gets there."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"
"""Stands where a secret would have stood."""

# What these complain of is a database that is away, with pages of traceback: whoever uses them says it in one line.
_SAID_BY_US = ("pgqueuer", "asyncpg.pool")
# They tell each call with its whole address, and somebody's email may be in that.
_TOO_TALKATIVE = ("httpx2", "httpcore2")

# Ends of words, so that `token_count` and `idempotency_key` stay readable and `calcom_api_key` doesn't.
_SECRET_KEY = re.compile(
    r"(secrets?|passw(or)?d|passphrase|tokens?|authorization|cookies?|signatures?|credentials?|dsn"
    r"|(api|admin|secret|private|access|signing)[_-]?keys?|database(_direct)?_url)([_-](previous|\d+))?$",
    re.IGNORECASE,
)


def configure(level: str = "INFO", style: Literal["console", "json"] = "console") -> None:
    """Send every log line of this process to stderr, ours and the libraries', in one style.

    `level` is a name of the standard library (DEBUG … CRITICAL). May be called again: the last call holds.
    """
    shared = _shared_processors()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(style)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in _SAID_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger made at import, before this call, must follow this call.
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what stands under a secret-like key by `HIDDEN`, at any depth; a structlog processor."""
    for key, value in line.items():
        line[key] = _without_secrets(key, value)
    return line


def _without_secrets(key: object, value: object) -> object:
    if isinstance(key, str) and _SECRET_KEY.search(key):
        return HIDDEN if value else value
    if isinstance(value, Mapping):
        return {inner: _without_secrets(inner, held) for inner, held in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(None, held) for held in value]
    return value


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
    ]


def _renderers(style: Literal["console", "json"]) -> list[Processor]:
    if style == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback  # the rich one prints local variables, secrets among them
    colors = sys.stderr.isatty()
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, timestamp_key="at")]
