"""What a ClickUp connection says: which lists, which field has the email, what the statuses are called."""

import re
from datetime import timedelta

from msgspec import Struct

from showup.destinations.clickup.entry import CANCELLED, NO_SHOW, SHOWED
from showup.destinations.kind import ConnectionSettings

_SPAN = re.compile(r"([0-9]{1,6})\s*([smhd])")
# What is not answered by then still has to be told, and tried again, before it is no news any more.
_LONGEST_ANSWER = timedelta(days=3)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ClickUpSettings(ConnectionSettings, frozen=True, kw_only=True):
    """`lists` and `inbound_list` are ids of lists, as numbers or text; `lists` are searched in their order.

    `booked`, `cancelled`, `no_show` and `showed` name statuses; an empty name leaves a task's status as it is.
    `answer_within` and `sync_every` are spans such as `4h` or `5m`.
    """

    lists: tuple[str | int, ...]
    inbound_list: str | int
    email_field: str = "Email"
    booked: str = "Meeting Booked"
    cancelled: str = "Meeting Cancelled"
    no_show: str = ""
    showed: str = ""
    answer_within: str = "4h"
    name_search: bool = True
    sync_every: str = "5m"

    def __post_init__(self) -> None:
        if not self.lists:
            raise ValueError("`lists` names no list: give the id of one at least")
        if strange := [one for one in (*self.lists, self.inbound_list) if not str(one).isdecimal()]:
            raise ValueError(f"{strange[0]!r} is no id of a list: an id is the number at the end of the list's link")
        self.spans()

    @property
    def every_list(self) -> tuple[str, ...]:
        """All lists in the order in which they are searched: newcomers' own is the last."""
        return tuple(dict.fromkeys(str(one) for one in (*self.lists, self.inbound_list)))

    @property
    def newcomers(self) -> str:
        """The list that new leads go to."""
        return str(self.inbound_list)

    def spans(self) -> "Spans":
        """How long an answer is waited for, and how old a copy of the lists may be. Raises ValueError."""
        spans = Spans(answer=_span("answer_within", self.answer_within), copy=_span("sync_every", self.sync_every))
        if spans.answer > _LONGEST_ANSWER:
            raise ValueError(
                f"`answer_within` is {self.answer_within!r}: it can be 3d at most, for news is told for a week"
            )
        return spans

    def status_after(self, kind: str) -> str:
        """The status that a task has after this kind of news; empty: the one that it had."""
        return {CANCELLED: self.cancelled, NO_SHOW: self.no_show, SHOWED: self.showed}.get(kind, self.booked)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses that every list has to have."""
        return tuple(dict.fromkeys(filter(None, (self.booked, self.cancelled, self.no_show, self.showed))))


class Spans(Struct, frozen=True, kw_only=True):
    """The spans of the settings, read."""

    answer: timedelta
    copy: timedelta


def _span(name: str, text: str) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{name}` is {text!r}: it should be a span of time such as 30s, 5m, 4h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
