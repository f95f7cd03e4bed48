"""Finds the leads that may be an attendee by name and company: a short list from indexes, whatever the list's size."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from showup.campaigns.name_match.decision import ComparedLead
from showup.campaigns.name_match.evidence import AttendeeFeatures, LeadFeatures, NameCounts, compare
from showup.campaigns.name_match.features import lead_features
from showup.campaigns.name_match.keys import (
    KeyIndex,
    Probe,
    company_keys,
    exact_probe,
    family_keys,
    match_probes,
    suggestion_probes,
)

_MAX_LEADS: Final = 20
"""How many leads one probe reads."""
_MAX_COUNT: Final = 1_000
"""So far leads with one name are counted: more say nothing new."""

_ProbesOf: TypeAlias = Callable[[AttendeeFeatures], list[Probe]]

# The lead's id is the last column of each index, so that a limited probe always reads the same leads.
_CONDITIONS: Final[dict[KeyIndex, str]] = {
    "family": "family_key = p.key AND family_key <> '' AND first_key >= p.start AND first_key < p.stop",
    "company": "company_key = p.key AND company_key <> '' AND family_key >= p.start AND family_key < p.stop",
    "first": "first_key = p.key AND first_key <> '' AND family_key >= p.start AND family_key < p.stop",
    "company_beginning": "company_key <> '' AND company_key >= p.start AND company_key < p.stop",
}
_ORDERS: Final[dict[KeyIndex, str]] = {
    "family": "first_key, id",
    "company": "family_key, id",
    "first": "family_key, id",
    "company_beginning": "company_key, family_key, id",
}


async def compare_leads(
    connection: asyncpg.Connection, workspace_id: UUID, attendees: Sequence[AttendeeFeatures], *, for_review: bool
) -> list[list[ComparedLead]]:
    """Return for each attendee the workspace's leads that they may be, compared with them, in any order.

    `for_review`: also leads that a person may want to see, although they decide about no match.
    """
    leads = await _find(connection, workspace_id, attendees, suggestion_probes if for_review else match_probes)
    wanted = [_Wanted(attendee, found) for attendee, found in zip(attendees, leads, strict=True)]
    families = await _count(connection, workspace_id, (probe for one in wanted for probe in one.families.values()))
    people = await _count(connection, workspace_id, (probe for one in wanted for probe in one.people.values()))
    companies = await _count(connection, workspace_id, (probe for one in wanted for probe in one.companies.values()))
    compared = []
    for attendee, found, names in zip(attendees, leads, wanted, strict=True):
        counts = NameCounts(
            families={key: families[probe] for key, probe in names.families.items()},
            people={pair: people[probe] for pair, probe in names.people.items()},
            companies={key: companies[probe] for key, probe in names.companies.items()},
        )
        compared.append([ComparedLead(lead=lead, comparison=compare(attendee, lead, counts)) for lead in found])
    return compared


class _Wanted:
    """The names of the attendee that these leads share, each with the probe that counts how rare it is."""

    def __init__(self, attendee: AttendeeFeatures, leads: Collection[LeadFeatures]) -> None:
        names = [one.name for one in leads if one.name.family_key in family_keys(attendee)]
        companies = {one.company.key for one in leads}.intersection(company_keys(attendee))
        self.families = {one.family_key: Probe("family", one.family_key) for one in names}
        self.people = {
            (one.family_key, one.first_key): exact_probe("family", one.family_key, one.first_key)
            for one in names
            if one.first_key
        }
        self.companies = {key: Probe("company", key) for key in companies}


async def _find(
    connection: asyncpg.Connection, workspace_id: UUID, attendees: Sequence[AttendeeFeatures], probes_of: _ProbesOf
) -> list[list[LeadFeatures]]:
    places: dict[Probe, list[int]] = {}
    for place, attendee in enumerate(attendees):
        for probe in probes_of(attendee):
            places.setdefault(probe, []).append(place)
    found: list[dict[str, LeadFeatures]] = [{} for _ in attendees]
    for index in _CONDITIONS:
        probes = [one for one in places if one.index == index]
        for row in await _read(connection, workspace_id, index, probes):
            lead = lead_features(row["email"], row["first_name"], row["last_name"], row["name"], row["company"])
            for place in places[probes[row["place"] - 1]]:
                found[place][lead.email] = lead
    return [list(one.values()) for one in found]


async def _read(
    connection: asyncpg.Connection, workspace_id: UUID, index: KeyIndex, probes: Sequence[Probe]
) -> Sequence[asyncpg.Record]:
    if not probes:
        return []
    rows: Sequence[asyncpg.Record] = await connection.fetch(
        f"""
        SELECT p.place, l.* FROM unnest($2::text[], $3::text[], $4::text[])
            WITH ORDINALITY AS p(key, start, stop, place)
        CROSS JOIN LATERAL (
            SELECT email, first_name, last_name, name, company FROM leads
            WHERE workspace_id = $1 AND {_CONDITIONS[index]} ORDER BY {_ORDERS[index]} LIMIT {_MAX_LEADS}
        ) l
        """,  # noqa: S608  # constants
        workspace_id,
        [one.key for one in probes],
        [one.start for one in probes],
        [one.end for one in probes],
    )
    return rows


async def _count(connection: asyncpg.Connection, workspace_id: UUID, probes: Iterable[Probe]) -> dict[Probe, int]:
    """Return how many leads each of these probes of one index finds, without its limit."""
    ordered = list(dict.fromkeys(probes))
    if not ordered:
        return {}
    rows = await connection.fetch(
        f"""
        SELECT p.place, c.count FROM unnest($2::text[], $3::text[], $4::text[])
            WITH ORDINALITY AS p(key, start, stop, place)
        CROSS JOIN LATERAL (
            SELECT count(*) FROM (
                SELECT FROM leads WHERE workspace_id = $1 AND {_CONDITIONS[ordered[0].index]} LIMIT {_MAX_COUNT}
            ) counted
        ) c
        """,  # noqa: S608  # constants
        workspace_id,
        [one.key for one in ordered],
        [one.start for one in ordered],
        [one.end for one in ordered],
    )
    return {ordered[row["place"] - 1]: row["count"] for row in rows}
