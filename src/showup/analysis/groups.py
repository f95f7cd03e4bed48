"""The groups of each section: their cells, their order, and the words for them in sentences. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from showup.analysis.outcomes import MeetingOutcomes
from showup.analysis.subjects import NONE

Cells: TypeAlias = Mapping[str, int]
"""How many facts each cell has, as `analysis.subjects` names cells."""

SectionName: TypeAlias = Literal[
    "lead_time", "weekday", "hour", "weekday_hour", "organizer", "source", "reschedules", "reminders", "confirmed"
]

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LEAD_TIMES: Final = ("0", "1", "2-3", "4-7", "8-14", "15+")
_COUNTS: Final = ("0", "1", "2", "3")


class GroupKind(Struct, frozen=True, kw_only=True):
    """A section that groups meetings: `cell` has the counts, and `key_of` gives the group of a cell's values.

    `names` are the names of the values of a group in the answer. `order` lists the groups that always come in this
    order; other groups come by the number of reported meetings. `words` says which meetings are in a group.
    """

    cell: str
    names: tuple[str, ...]
    key_of: Callable[[str], tuple[str, ...] | None]
    words: Callable[[tuple[str, ...]], str]
    order: tuple[tuple[str, ...], ...] = ()


def _whole(value: str) -> tuple[str, ...] | None:
    return None if value == NONE else (value,)


def _slot(value: str) -> tuple[str, ...] | None:
    weekday, hour = value.split("|")
    return None if hour == NONE else (weekday, hour)


def _hour(value: str) -> tuple[str, ...] | None:
    slot = _slot(value)
    return None if slot is None else slot[1:]


def _hour_words(hour: str) -> str:
    return f"at {int(hour):02d}:00 in the attendee's time"


def _lead_words(key: tuple[str, ...]) -> str:
    match key[0]:
        case "0":
            return "booked on the same day"
        case "1":
            return "booked 1 day ahead"
        case "15+":
            return "booked 15 days ahead or more"
        case days:
            return f"booked {days.replace('-', ' to ')} days ahead"


def _moves_words(key: tuple[str, ...]) -> str:
    return {"0": "never moved", "1": "moved once", "2": "moved twice"}.get(key[0], "moved three times or more")


def _reminders_words(key: tuple[str, ...]) -> str:
    amount = {"0": "no reminder", "1": "one reminder", "2": "two reminders"}.get(key[0], "three reminders or more")
    return f"with {amount} delivered"


def _answer_words(key: tuple[str, ...]) -> str:
    return "whose attendee confirmed to come" if key[0] == "yes" else "whose attendee did not confirm to come"


def _source_words(key: tuple[str, ...]) -> str:
    return "of unknown source" if key[0] == "unknown" else f"from {key[0]}"


def _keys(*values: str) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in values)


GROUP_KINDS: Final[Mapping[SectionName, GroupKind]] = {
    "lead_time": GroupKind(
        cell="lead", names=("days_ahead",), key_of=_whole, words=_lead_words, order=_keys(*_LEAD_TIMES)
    ),
    "weekday": GroupKind(
        cell="slot",
        names=("weekday",),
        key_of=lambda value: (value.split("|")[0],),
        words=lambda key: f"on {WEEKDAYS[int(key[0]) - 1]}s",
        order=_keys(*map(str, range(1, 8))),
    ),
    "hour": GroupKind(
        cell="slot",
        names=("hour",),
        key_of=_hour,
        words=lambda key: _hour_words(key[0]),
        order=_keys(*map(str, range(24))),
    ),
    "weekday_hour": GroupKind(
        cell="slot",
        names=("weekday", "hour"),
        key_of=_slot,
        words=lambda key: f"on {WEEKDAYS[int(key[0]) - 1]}s {_hour_words(key[1])}",
        order=tuple((str(weekday), str(hour)) for weekday in range(1, 8) for hour in range(24)),
    ),
    "organizer": GroupKind(
        cell="organizer",
        names=("organizer",),
        key_of=lambda value: (value,),
        words=lambda key: f"with {key[0] or 'an unknown organizer'}",
    ),
    "source": GroupKind(cell="source", names=("source",), key_of=lambda value: (value,), words=_source_words),
    "reschedules": GroupKind(
        cell="moves", names=("reschedules",), key_of=_whole, words=_moves_words, order=_keys(*_COUNTS)
    ),
    "reminders": GroupKind(
        cell="reminders", names=("reminders",), key_of=_whole, words=_reminders_words, order=_keys(*_COUNTS)
    ),
    "confirmed": GroupKind(
        cell="answer", names=("confirmed",), key_of=_whole, words=_answer_words, order=_keys("yes", "no")
    ),
}


def group_outcomes(kind: GroupKind, cells: Cells) -> dict[tuple[str, ...], MeetingOutcomes]:
    """Return the outcomes of each group that has meetings, in the order of the section."""
    found: dict[tuple[str, ...], MeetingOutcomes] = {}
    for value, state, count in _values(cells, kind.cell):
        key = kind.key_of(value)
        if key is not None:
            found.setdefault(key, MeetingOutcomes()).add(state, count)
    places = {key: place for place, key in enumerate(kind.order)}
    return dict(sorted(found.items(), key=lambda one: (places.get(one[0], -1), -one[1].reported, one[0])))


def histogram(cells: Cells, cell: str) -> dict[int, int]:
    """Return how many facts of a cell have each number."""
    return histograms(cells, cell).get("", {})


def histograms(cells: Cells, cell: str) -> dict[str, dict[int, int]]:
    """Return how many facts of a cell have each number, by group: what comes before the number; "" without one."""
    found: dict[str, dict[int, int]] = {}
    prefix = f"{cell}|"
    for name, count in cells.items():
        if name.startswith(prefix):
            group, _, value = name.removeprefix(prefix).rpartition("|")
            if value != NONE:
                found.setdefault(group, {})[int(value)] = count
    return found


def total_outcomes(cells: Cells) -> MeetingOutcomes:
    """Return the outcomes of all meetings: each is in one group of the reschedules."""
    total = MeetingOutcomes()
    for _, state, count in _values(cells, "moves"):
        total.add(state, count)
    return total


def _values(cells: Cells, cell: str) -> list[tuple[str, str, int]]:
    """Return the value, the state and the count of each of these cells; a value may contain `|` itself."""
    prefix = f"{cell}|"
    split = (
        (name.removeprefix(prefix).rpartition("|"), count) for name, count in cells.items() if name.startswith(prefix)
    )
    return [(value, state, count) for (value, _, state), count in split]


def group_values(kind: GroupKind, key: tuple[str, ...]) -> dict[str, Any]:
    """Return a group's values by name, numbers as numbers."""
    return {name: _value(name, value) for name, value in zip(kind.names, key, strict=True)}


def _value(name: str, value: str) -> Any:
    if name == "confirmed":
        return value == "yes"
    return int(value) if name in ("weekday", "hour", "reschedules", "reminders") else value
