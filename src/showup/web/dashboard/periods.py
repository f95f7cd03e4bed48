"""The periods and filters of the pages that count, as the address names them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlencode

from msgspec import Struct
from pydantic import Field

from showup.web.dashboard.words import Viewer
from showup.web.http.query_params import Day

_DAYS: Final = {"30d": 30, "90d": 90, "365d": 365}
_LABELS: Final = {"30d": "Last 30 days", "90d": "Last 90 days", "365d": "Last 12 months", "all": "All time"}
DAY: Final = timedelta(days=1)
PageDay = Annotated[Day, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
"""A day in the address: the period before it must have a date too."""
Params: TypeAlias = Mapping[str, Sequence[str]]
"""The parameters of an address: names with their values."""


class Period(Struct, frozen=True, kw_only=True):
    """A period in the viewer's days: `since` to `until`, which is exclusive; None: no limit.

    `before` says what the period before it is called; it is empty where there is none.
    """

    key: str
    label: str
    before: str
    since: date | None
    until: date | None

    def starts(self, viewer: Viewer) -> tuple[datetime | None, datetime | None]:
        """Return the moments at which the period begins and ends."""
        since, until = (
            None if day is None else datetime.combine(day, time(), viewer.zone) for day in (self.since, self.until)
        )
        return since, until


class Option(Struct, frozen=True, kw_only=True):
    """A choice of a filter: `query` is the address's query with it."""

    label: str
    query: str
    is_current: bool = False


class FilterChip(Struct, frozen=True, kw_only=True):
    """A filter: its parameter, its icon, and the chosen value in words, None if it narrows nothing.

    `clear` is the query without it. `is_text`: it also takes what the reader types.
    """

    name: str
    label: str
    icon: str
    value: str | None
    options: Sequence[Option]
    clear: str | None = None
    is_text: bool = False


def period_of(viewer: Viewer, key: str, since: date | None, until: date | None) -> Period:
    """Return the chosen period: days of the reader's choice, or one that ends with today."""
    if since is not None and until is not None and since < until:
        days = (until - since).days
        return Period(
            key="days",
            label=f"{_day(since)} – {_day(until - DAY)}",
            before="the day before" if days == 1 else f"the {days} days before",
            since=since,
            until=until,
        )
    if key not in _DAYS:
        return Period(key="all", label=_LABELS["all"], before="", since=None, until=None)
    tomorrow = viewer.local(viewer.now).date() + DAY
    before = "the 12 months before" if key == "365d" else f"the {_DAYS[key]} days before"
    return Period(key=key, label=_LABELS[key], before=before, since=tomorrow - _DAYS[key] * DAY, until=tomorrow)


def period_chip(period: Period, params: Params) -> FilterChip:
    """Return the filter of the period."""
    options = [
        Option(
            label=label,
            query=with_params(params, period=key, **{"from": None, "to": None}),
            is_current=key == period.key,
        )
        for key, label in _LABELS.items()
    ]
    return FilterChip(name="period", label="Period", icon="today", value=period.label, options=options)


def choice_chip(
    name: str, label: str, icon: str, params: Params, choices: Mapping[str, str], *, is_text: bool = False
) -> FilterChip:
    """Return the filter of a parameter with one value; `choices` are its values with their words."""
    chosen = next(iter(params.get(name, ())), None)
    options = [
        Option(label=words, query=with_params(params, **{name: value}), is_current=value == chosen)
        for value, words in choices.items()
    ]
    value = None if chosen is None else choices.get(chosen, chosen)
    clear = None if chosen is None else with_params(params, **{name: None})
    return FilterChip(name=name, label=label, icon=icon, value=value, options=options, clear=clear, is_text=is_text)


def with_params(params: Params, **changes: str | None) -> str:
    """Return the query with some values changed, `?` in front; None takes a parameter off."""
    values = {name: list(stated) for name, stated in params.items() if stated and name not in changes}
    values |= {name: [value] for name, value in changes.items() if value is not None}
    return f"?{urlencode(values, doseq=True)}" if values else "?"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
