"""What a change of rules would do to the history, in numbers and examples for people. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from showup.reads.impact import Impact, ImpactChange, ImpactTotals
from showup.web.dashboard.words import count, sentence

_MAX_EXAMPLES: Final = 12
# Deals first: they are what a rule moves.
_ORDER: Final = ("deals", "bookings", "companies", "people")
_PATHS: Final = {"deals": "deals", "bookings": "bookings", "people": "people", "companies": "companies"}
_NOUNS: Final = {"deals": "deal", "bookings": "meeting", "people": "person", "companies": "company"}
_MAIN: Final = ("stage", "status", "company", "domain", "name")
_ATTENDED: Final = {True: "Showed", False: "No-show", None: "Unreported"}
_FIELDS: Final = {
    "owner_email": "owner",
    "lost_reason": "reason",
    "deal_id": "deal",
    "host_absent": "host absent",
    "time_zone": "time zone",
}


class EffectNumber(Struct, frozen=True, kw_only=True):
    """A number of the change and its words."""

    value: int
    words: str


class EffectExample(Struct, frozen=True, kw_only=True):
    """A record that changes: its kind, its page (None if the change removes or adds it), and before and after."""

    kind: str
    name: str
    path: str | None
    before: str
    after: str


class RuleEffect(Struct, frozen=True, kw_only=True):
    """What a change would do: one sentence, numbers, examples and how many are left out, and the messages."""

    headline: str
    is_nothing: bool
    numbers: Sequence[EffectNumber]
    examples: Sequence[EffectExample]
    omitted: int
    messages: str


def describe_effect(found: Impact, totals: ImpactTotals) -> RuleEffect:
    """Return the effect in words."""
    records = {
        noun: found.counts[noun].added + found.counts[noun].removed + found.counts[noun].changed for noun in _ORDER
    }
    examples = [_example(one) for noun in _ORDER for one in found.examples if one.noun == noun][:_MAX_EXAMPLES]
    is_nothing = not any(records.values()) and not totals.planned and not totals.withdrawn
    numbers = (
        EffectNumber(value=totals.moved, words="active deals change"),
        EffectNumber(value=totals.closed, words="closed deals change"),
        EffectNumber(value=totals.meetings, words="meetings count differently"),
        EffectNumber(value=records["people"] + records["companies"], words="people or companies change"),
    )
    return RuleEffect(
        headline=_headline(records, totals, is_nothing=is_nothing),
        is_nothing=is_nothing,
        numbers=numbers,
        examples=examples,
        omitted=sum(records.values()) - len(examples),
        messages=_messages(totals),
    )


def _messages(totals: ImpactTotals) -> str:
    if not totals.planned and not totals.withdrawn:
        return "No message is planned or withdrawn by it."
    changes = [f"plans {count(totals.planned, 'message')}"] if totals.planned else []
    changes += [f"withdraws {count(totals.withdrawn, 'message')} that waited"] if totals.withdrawn else []
    return f"It {' and '.join(changes)}."


def _headline(records: Mapping[str, int], totals: ImpactTotals, *, is_nothing: bool) -> str:
    if is_nothing:
        return "This would change nothing that has happened so far"
    parts = []
    if totals.meetings:
        parts.append(f"the outcome of {count(totals.meetings, 'meeting')}")
    if records["deals"]:
        parts.append(count(records["deals"], "deal"))
    for noun, one, many in (("companies", "company", "companies"), ("people", "person", "people")):
        if records[noun]:
            parts.append(count(records[noun], one, many))
    if not parts and records["bookings"]:
        parts.append(count(records["bookings"], "meeting"))
    if not parts:
        parts.append("only which messages are planned")
    return f"This would change {parts[0] if len(parts) == 1 else ', '.join(parts[:-1]) + ' and ' + parts[-1]}"


def _example(change: ImpactChange) -> EffectExample:
    # Both sides of a record that is added or removed are complete, so one of them has no name.
    sides = list(change.changes.values())
    is_whole = bool(sides) and (all(one[0] is None for one in sides) or all(one[1] is None for one in sides))
    before, after = _sides(change)
    return EffectExample(
        kind=_NOUNS[change.noun],
        name=change.name,
        path=None if is_whole and before == "none" else f"{_PATHS[change.noun]}/{UUID(str(change.id))}",
        before=before,
        after=after,
    )


def _sides(change: ImpactChange) -> tuple[str, str]:
    changes = change.changes
    if change.noun == "bookings" and changes.keys() & {"attended", "evidence"}:
        return _attendance(changes, 0), _attendance(changes, 1)
    if change.noun == "deals" and "status" in changes and None in changes["status"]:
        return tuple("none" if one is None else _value(one) for one in changes["status"])  # type: ignore[return-value]
    main = [one for one in _MAIN if one in changes]
    name = main[0] if main else min(changes, default="name")
    before, after = changes.get(name, [None, None])
    label = "" if main else f"{_FIELDS.get(name, name)} "
    return f"{label}{_value(before)}", _value(after)


def _attendance(changes: Mapping[str, Sequence[Any]], side: int) -> str:
    evidence = changes["evidence"][side] if "evidence" in changes else None
    attended = changes["attended"][side] if "attended" in changes else None
    if evidence == "assumed":
        return "Assumed"
    return _ATTENDED[attended] if "attended" in changes else "Reported"


def _value(value: Any) -> str:
    return "none" if value is None else sentence(str(value))
