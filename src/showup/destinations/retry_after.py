"""When a destination wants to be asked again, in every dialect that the vendors speak.

`Retry-After` as seconds (Resend, Notion, Slack) or as an HTTP date (Attio), `retry-after-ms`, a `retry_after` in the
body (EmailBison), and, where there is none of them, the reset of the limit: seconds to wait or a moment in unix time
(ClickUp).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A longer wait is asked again in between: it may be a mistake of theirs, and somebody may have bought more meanwhile.
_AT_MOST = timedelta(days=1)
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_RESET = re.compile(r"(?:^|[,;\s])reset=([0-9]{1,18})")
# No wait is as long as this in seconds, and no moment as early in unix time; as thousandths the same holds.
_UNIX_FROM, _UNIX_THOUSANDTHS_FROM = 1e9, 1e12


def not_before(headers: Mapping[str, str], now: datetime, body: object = None) -> datetime | None:
    """The moment before which they want no further call; None where they said nothing that can be understood.

    `headers` by lower-case names, or by any in a mapping that knows better; `body` is the parsed JSON, if there is one.
    Never before `now` (aware), never more than a day after it.
    """
    theirs = _date(headers.get("date", "")) or now
    for wait in _said(headers, body, theirs):
        if wait is not None:
            return now + timedelta(seconds=min(max(wait, 0.0), _AT_MOST.total_seconds()))
    return None


def _said(headers: Mapping[str, str], body: object, theirs: datetime) -> Iterator[float | None]:
    """What each dialect says, in seconds from now; the plainest word first. `theirs` is what their clock shows."""
    yield _thousandths(headers.get("retry-after-ms", ""))
    yield _wait(headers.get("retry-after", ""), theirs)
    if isinstance(body, Mapping):
        yield _wait(str(body.get("retry_after", "")), theirs)
    yield _wait(headers.get("ratelimit-reset", ""), theirs)
    yield _wait(headers.get("x-ratelimit-reset", ""), theirs)
    if reset := _RESET.search(headers.get("ratelimit", "")):
        yield _wait(reset[1], theirs)


def _wait(text: str, theirs: datetime) -> float | None:
    """Seconds to wait, a moment in unix time or an HTTP date, told apart by their looks."""
    number = _number(text)
    if number is None:
        date = _date(text)
        return None if date is None else (date - theirs).total_seconds()
    if number >= _UNIX_THOUSANDTHS_FROM:
        return number / 1000 - theirs.timestamp()
    return number - theirs.timestamp() if number >= _UNIX_FROM else number


def _thousandths(text: str) -> float | None:
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
