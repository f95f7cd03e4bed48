"""Configures logging: each log line is an event with values on stderr; secrets are removed by key name."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from io import StringIO
from typing import Any, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import ExcInfo, Processor

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


_IDS_PER_LINE = 100
_LONGEST_KEY = 200
# Each part ends at a character that it can't contain, so the search takes linear time.
_CREDENTIAL = re.compile(
    r"(?P<before>://[^\s/:@]*:)[^\s/@]+(?=@)"
    r"|(?P<scheme>\b(?:bearer|basic) )[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?:showup_|whsec_|cal_|xox[a-z]-|xapp-|re_|pk_|sk_|ntn_|secret_)[A-Za-z0-9_-]{8,}",
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


def log_events(log: structlog.stdlib.BoundLogger, line: str, event_ids: Sequence[UUID], **values: object) -> None:
    """Logs what happened to these inbox events (level INFO), so that a search for an event's id finds the line.

    One event is `event_id`; several are `event_ids`, at most _IDS_PER_LINE in each line.
    """
    if len(event_ids) == 1:
        log.info(line, event_id=str(event_ids[0]), **values)
        return
    for start in range(0, len(event_ids), _IDS_PER_LINE):
        ids = [str(event_id) for event_id in event_ids[start : start + _IDS_PER_LINE]]
        log.info(line, event_ids=ids, count=len(ids), **values)


def hide_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces every value under a secret-like key with `HIDDEN`, at any depth; a structlog processor."""
    for key, value in line.items():
        # Formatted later, and then its text is searched.
        if key != "exc_info":
            line[key] = _without_secrets(key, value)
    return line


def _hide_in_exception(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if isinstance(line.get("exception"), str):
        line["exception"] = hide_credentials(line["exception"])
    return line


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    # The rich traceback prints local variables, which may hold secrets.
    text = StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(hide_credentials(text.getvalue()))


def _without_secrets(key: object, value: object) -> object:
    if _is_secret_key(key):
        return HIDDEN if value else value
    match value:
        case str() | bytes():
            return hide_credentials(value if isinstance(value, str) else value.decode("utf-8", "replace"))
        case Mapping():
            return {inner: _without_secrets(inner, item) for inner, item in value.items()}
        # A header or a parameter in a list.
        case tuple((str() | bytes() as name, item)) if _is_secret_key(name):
            return [name, HIDDEN if item else item]
        case list() | tuple() | set() | frozenset():
            return [_without_secrets(None, item) for item in value]
        case BaseException():
            return hide_credentials(f"{type(value).__name__}: {value}")
        case _:
            fields = _fields_of(value)
            return value if fields is None else _without_secrets(None, fields)


def _is_secret_key(key: object) -> bool:
    text = key.decode("latin-1") if isinstance(key, bytes) else key
    return isinstance(text, str) and _SECRET_KEY.search(text[-_LONGEST_KEY:]) is not None


def _fields_of(value: object) -> dict[str, object] | None:
    """Returns the fields of a struct or data class; None for any other value."""
    names = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", None)
    return None if names is None or isinstance(value, type) else {name: getattr(value, name, None) for name in names}


def hide_credentials(text: str) -> str:
    """Replaces what looks like a credential within a text: of a URL, of a header, or a key by its usual prefix."""
    return _CREDENTIAL.sub(lambda found: f"{found['before'] or found['scheme'] or ''}{HIDDEN}", text)


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
        return [structlog.processors.format_exc_info, _hide_in_exception, structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty()
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_plain_traceback, timestamp_key="at")]
