"""Compares the API's data with the simulator's truth, field by field."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias

from showup.simulation.truth import BookingTruth, DealTruth, PersonTruth, Truth

_Record: TypeAlias = BookingTruth | DealTruth | PersonTruth


@dataclass(frozen=True, slots=True)
class TruthDifference:
    """One field of one thing (its `key` is a uid, a domain or an address) that differs."""

    noun: str
    key: str
    field: str
    expected: str
    found: str


def find_differences(expected: Truth, found: Truth) -> list[TruthDifference]:
    """Returns all differences; an empty list if there are none."""
    return [
        *_compare_by_key("booking", expected.bookings, found.bookings),
        *_compare_by_key("deal", _number_deals(expected.deals), _number_deals(found.deals)),
        *_compare_by_key("company", expected.companies, found.companies),
        *_compare_by_key("person", expected.people, found.people),
    ]


def _compare_by_key(
    noun: str, expected: Mapping[str, _Record | str], found: Mapping[str, _Record | str]
) -> Iterator[TruthDifference]:
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            yield TruthDifference(noun, key, "", "there", "missing")
        elif key not in expected:
            yield TruthDifference(noun, key, "", "not there", "there")
        else:
            yield from _compare_fields(noun, key, expected[key], found[key])


def _compare_fields(noun: str, key: str, expected: _Record | str, found: _Record | str) -> Iterator[TruthDifference]:
    if isinstance(expected, str) or isinstance(found, str):
        if expected != found:
            yield TruthDifference(noun, key, "name", str(expected), str(found))
        return
    for field in fields(expected):
        expected_value, found_value = getattr(expected, field.name), getattr(found, field.name)
        if expected_value != found_value:
            yield TruthDifference(noun, key, field.name, _to_text(expected_value), _to_text(found_value))


def _number_deals(deals: Iterable[DealTruth]) -> dict[str, _Record]:
    """Numbers the deals, which have no natural key: those of one company are ordered by bookings, then status."""
    by_company: dict[str, list[DealTruth]] = defaultdict(list)
    for deal in deals:
        by_company[deal.company].append(deal)
    return {
        f"{company} #{number}": deal
        for company, company_deals in by_company.items()
        for number, deal in enumerate(sorted(company_deals, key=_sort_key), start=1)
    }


def _sort_key(deal: DealTruth) -> tuple[list[str], str, str]:
    return sorted(deal.bookings), deal.status, deal.stage


def _to_text(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)
