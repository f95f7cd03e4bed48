"""The whole weeks of a period, for which there are sums, as parts of SQL statements; values are bound parameters."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

_WEEK: Final = timedelta(days=7)
_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
_LAST_MONDAY: Final = datetime(9999, 12, 27, tzinfo=UTC)


class Weeks(Struct, frozen=True, kw_only=True):
    """The whole weeks of a period: from `since`, up to `until` (exclusive); None: without end."""

    since: datetime | None
    until: datetime | None

    def params(self) -> dict[str, datetime | date | None]:
        """Return the bound parameters, beside `since` and `until` of the period."""
        return {
            "weeks_since": self.since,
            "weeks_until": self.until,
            "first_week": None if self.since is None else self.since.date(),
            "end_week": None if self.until is None else self.until.date(),
        }

    @property
    def is_empty(self) -> bool:
        """Return whether the period has no whole week."""
        return self.since is not None and self.until is not None and self.since >= self.until

    def days(self, column: str) -> str:
        """Return the condition on the week of a sum."""
        if self.is_empty:
            return "false"
        found = [f"{column} >= :first_week"] if self.since is not None else []
        if self.until is not None:
            # Without a date, a step is in no period.
            found += [f"{column} < :end_week", f"{column} > '-infinity'"]
        return " AND ".join(found) or "true"

    def leaves(self, at: str) -> str:
        """Return the condition that a time is in the period, and in none of these weeks."""
        if self.is_empty:
            return f"({at} >= :since AND {at} < :until)"
        found = [f"{at} >= :since AND {at} < :weeks_since"] if self.since is not None else []
        found += [f"{at} >= :weeks_until AND {at} < :until"] if self.until is not None else []
        return f"({' OR '.join(found) or 'false'})"

    def contains(self, at: str) -> str:
        """Return the condition that a time is in these weeks."""
        if self.is_empty:
            return "false"
        found = [f"{at} >= :weeks_since"] if self.since is not None else []
        found += [f"{at} < :weeks_until"] if self.until is not None else []
        return " AND ".join(found) or "true"


def whole_weeks(since: datetime | None, until: datetime | None) -> Weeks:
    """Return the weeks from Monday to Monday (UTC) that the period contains."""
    first = None if since is None else _MONDAY - max((_MONDAY - since) // _WEEK * _WEEK, _MONDAY - _LAST_MONDAY)
    last = None if until is None else _MONDAY + (until - _MONDAY) // _WEEK * _WEEK
    return Weeks(since=first, until=last)
