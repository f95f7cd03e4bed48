"""Reads when a destination may be called again, in the format of each vendor.

`Retry-After` as seconds (Resend, Notion, Slack) or as an HTTP date (Attio), `retry-after-ms`, a `retry_after` in the
body (EmailBison), and, without any of them, the limit's reset: seconds to wait or a Unix time (ClickUp).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A longer wait is checked in between: the header may be wrong, or the account may have a bigger plan meanwhile.
_MAX_WAIT = timedelta(days=1)
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_RESET = re.compile(r"(?:^|[,;\s])reset=([0-9]{1,18})")
# No wait in seconds is this long, and no Unix time this early; the same holds for milliseconds.
_UNIX_FROM, _UNIX_MILLISECONDS_FROM = 1e9, 1e12


def retry_after(headers: Mapping[str, str], now: datetime, body: object = None) -> datetime | None:
    """Returns the time that the response names for another call; None where it has no usable value.

    `headers` has lower-case names, or is a case-insensitive mapping; `body` is the parsed JSON, if there is one. The
    result is never before `now` (aware), and never more than a day after it.
    """
    return _first(_explicit_waits(headers, body, _vendor_time(headers, now)), now)


def limit_ends_at(headers: Mapping[str, str], now: datetime, body: object = None) -> datetime | None:
    """Returns the same for a rate limit, which may be given by its reset alone.

    Some vendors send the reset with every response (ClickUp, Resend), so it says nothing about any other error.
    """
    vendor_now = _vendor_time(headers, now)
    return _first(_explicit_waits(headers, body, vendor_now), now) or _first(_resets(headers, vendor_now), now)


def _first(waits: Iterable[float | None], now: datetime) -> datetime | None:
    wait = next((one for one in waits if one is not None), None)
    return None if wait is None else now + timedelta(seconds=min(max(wait, 0.0), _MAX_WAIT.total_seconds()))


def _explicit_waits(headers: Mapping[str, str], body: object, vendor_now: datetime) -> Iterator[float | None]:
    """Yields each value in seconds from now, the most explicit first."""
    yield _milliseconds(headers.get("retry-after-ms", ""))
    yield _wait(headers.get("retry-after", ""), vendor_now)
    if isinstance(body, Mapping):
        yield _wait(str(body.get("retry_after", "")), vendor_now)


def _resets(headers: Mapping[str, str], vendor_now: datetime) -> Iterator[float | None]:
    yield _wait(headers.get("ratelimit-reset", ""), vendor_now)
    yield _wait(headers.get("x-ratelimit-reset", ""), vendor_now)
    if reset := _RESET.search(headers.get("ratelimit", "")):
        yield _wait(reset[1], vendor_now)


def _vendor_time(headers: Mapping[str, str], now: datetime) -> datetime:
    """Returns the time by the vendor's clock, which its dates and Unix times refer to."""
    return _date(headers.get("date", "")) or now


def _wait(text: str, vendor_now: datetime) -> float | None:
    """Parses seconds, a Unix time or an HTTP date, distinguished by their form."""
    number = _number(text)
    if number is None:
        date = _date(text)
        return None if date is None else (date - vendor_now).total_seconds()
    if number >= _UNIX_MILLISECONDS_FROM:
        return number / 1000 - vendor_now.timestamp()
    return number - vendor_now.timestamp() if number >= _UNIX_FROM else number


def _milliseconds(text: str) -> float | None:
    number = _number(text)
    return None if number is None else number / 1000


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text.strip())
    return float(found[0]) if found else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
