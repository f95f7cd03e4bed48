"""What the API says against what the simulator knows, field by field."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias

from showup.simulation.truth import BookingTruth, DealTruth, PersonTruth, Truth

_Entry: TypeAlias = BookingTruth | DealTruth | PersonTruth


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one thing (its `key` is a uid, a domain or an address) on which the two disagree."""

    noun: str
    key: str
    field: str
    expected: str
    found: str


def differences(expected: Truth, found: Truth) -> list[Difference]:
    """Everything on which the two disagree; empty when they say the same."""
    return [
        *_by_key("booking", expected.bookings, found.bookings),
        *_by_key("deal", _numbered(expected.deals), _numbered(found.deals)),
        *_by_key("company", expected.companies, found.companies),
        *_by_key("person", expected.people, found.people),
    ]


def _by_key(noun: str, expected: Mapping[str, _Entry | str], found: Mapping[str, _Entry | str]) -> Iterator[Difference]:
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            yield Difference(noun, key, "", "there", "missing")
        elif key not in expected:
            yield Difference(noun, key, "", "not there", "there")
        else:
            yield from _by_field(noun, key, expected[key], found[key])


def _by_field(noun: str, key: str, expected: _Entry | str, found: _Entry | str) -> Iterator[Difference]:
    if isinstance(expected, str) or isinstance(found, str):
        if expected != found:
            yield Difference(noun, key, "name", str(expected), str(found))
        return
    for field in fields(expected):
        ours, theirs = getattr(expected, field.name), getattr(found, field.name)
        if ours != theirs:
            yield Difference(noun, key, field.name, _shown(ours), _shown(theirs))


def _numbered(deals: Iterable[DealTruth]) -> dict[str, _Entry]:
    """Deals have no name of their own: those of a company are told apart by bookings, then status."""
    by_company: dict[str, list[DealTruth]] = defaultdict(list)
    for deal in deals:
        by_company[deal.company].append(deal)
    return {
        f"{company} #{number}": deal
        for company, its in by_company.items()
        for number, deal in enumerate(sorted(its, key=_order), start=1)
    }


def _order(deal: DealTruth) -> tuple[list[str], str, str]:
    return sorted(deal.bookings), deal.status, deal.stage


def _shown(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)
