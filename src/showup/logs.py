"""Configures logging: each log line is an event with values on stderr; secrets are removed by key name."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"
"""The text that replaces a secret."""

# These libraries log an unreachable database with pages of traceback; our own callers log it in one line.
_SILENCED_LOGGERS = ("pgqueuer", "asyncpg.pool")
# These libraries log the full URL of each call, which may contain an email address.
_VERBOSE_LOGGERS = ("httpx2", "httpcore2")

# Only the ends of key names match, so `token_count` and `idempotency_key` stay readable and `calcom_api_key` does not.
_SECRET_KEY = re.compile(
    r"(secrets?|passw(or)?d|passphrase|tokens?|authorization|cookies?|signatures?|credentials?|dsn"
    r"|(api|admin|secret|private|access|signing)[_-]?keys?|database(_direct)?_url)([_-](previous|\d+))?$",
    re.IGNORECASE,
)


def configure(level: str = "INFO", style: Literal["console", "json"] = "console") -> None:
    """Sends every log line of this process, Showup's and the libraries', to stderr in one style.

    `level` is a level name of the standard library (DEBUG … CRITICAL). A later call replaces an earlier one.
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
    for name in _SILENCED_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger created at import, before this call, must also use this configuration.
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces every value under a secret-like key with `HIDDEN`, at any depth; a structlog processor."""
    for key, value in line.items():
        line[key] = _without_secrets(key, value)
    return line


def _without_secrets(key: object, value: object) -> object:
    if isinstance(key, str) and _SECRET_KEY.search(key):
        return HIDDEN if value else value
    if isinstance(value, Mapping):
        return {inner: _without_secrets(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(None, item) for item in value]
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
    plain = structlog.dev.plain_traceback  # the rich traceback prints local variables, which may hold secrets
    colors = sys.stderr.isatty()
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, timestamp_key="at")]
