"""The people and companies of a batch of stories: found by email and domain, made when they are new."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.companies import store as companies
from showup.companies.company import Company
from showup.companies.store import StoredCompany
from showup.events import News
from showup.people import store as people
from showup.people.person import Person
from showup.people.store import StoredPerson
from showup.pipeline.story import Story


class Met(Struct, frozen=True, kw_only=True):
    """The ids of everybody the stories meet: people by email, companies by domain."""

    person_ids: Mapping[str, UUID]
    company_ids: Mapping[str, UUID]


async def meet(connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[tuple[Story, Sequence[News]]]) -> Met:
    """Saves the people and companies of the stories. `told` has each story with the news that is new in it."""
    sightings = _people(told)
    company_ids = await _companies(connection, workspace_id, told, sightings)
    standing = await people.by_email(connection, workspace_id, sightings)
    changed = []
    for email, (person, event_id) in sightings.items():
        known = standing.get(email)
        after = StoredPerson(
            id=known.id if known is not None else uuid5(event_id, email),
            person=known.person.told(person) if known is not None else person,
            company_id=company_ids.get(person.company_domain or ""),
        )
        if after != known:
            changed.append(after)
    await people.save(connection, workspace_id, changed)
    ids = {email: known.id for email, known in standing.items()}
    return Met(
        person_ids=ids | {one.person.email: one.id for one in changed},
        company_ids=company_ids,
    )


async def part(connection: asyncpg.Connection, person_ids: Iterable[UUID], company_ids: Iterable[UUID]) -> None:
    """Removes whoever a story told anew never met, if nothing else holds them."""
    gone, left = list(person_ids), list(company_ids)
    if gone:
        await people.remove_unmet(connection, gone)
    if left:
        await companies.remove_empty(connection, left)


def _people(told: Sequence[tuple[Story, Sequence[News]]]) -> dict[str, tuple[Person, UUID]]:
    """Every person of the stories, with the event that brings them: the first that arrived."""
    found: dict[str, tuple[Person, UUID]] = {}
    for story, news in told:
        first = min(item.event_id for item in news)
        for email, person in story.people.items():
            if email in found:
                known, event_id = found[email]
                found[email] = (known.told(person), min(event_id, first))
            else:
                found[email] = (person, first)
    return found


async def _companies(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[tuple[Story, Sequence[News]]],
    sightings: Mapping[str, tuple[Person, UUID]],
) -> dict[str, UUID]:
    met = _met_companies(told, sightings)
    standing = await companies.by_domain(connection, workspace_id, met)
    changed = []
    for domain, (company, event_id) in met.items():
        known = standing.get(domain)
        after = (
            StoredCompany(id=uuid5(event_id, domain), company=company)
            if known is None
            else StoredCompany(id=known.id, company=_both(known.company, company))
        )
        if after != known:
            changed.append(after)
    await companies.save(connection, workspace_id, changed)
    ids = {domain: known.id for domain, known in standing.items()}
    return ids | {one.company.domain: one.id for one in changed}


def _met_companies(
    told: Sequence[tuple[Story, Sequence[News]]], sightings: Mapping[str, tuple[Person, UUID]]
) -> dict[str, tuple[Company, UUID]]:
    found: dict[str, tuple[Company, UUID]] = {}
    for person, event_id in sightings.values():
        domain = person.company_domain
        if domain is None:
            continue
        first_at, last_at = person.first_met_at, person.last_met_at
        if domain in found:
            company, first = found[domain]
            found[domain] = (company.met(first_at, last_at), min(first, event_id))
        else:
            company = Company(domain=domain, name=domain, first_met_at=first_at, last_met_at=last_at)
            found[domain] = (company, event_id)
    for story, _ in told:
        for domain, naming in story.names.items():
            if domain in found:
                company, first = found[domain]
                found[domain] = (company.named(naming.name, naming.seen), first)
    return found


def _both(known: Company, met: Company) -> Company:
    after = known.met(met.first_met_at, met.last_met_at)
    return after.named(met.name, met.name_seen) if met.name_seen else replace(after)
