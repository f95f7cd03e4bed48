"""The people and companies of a batch of stories: found by email and key, made when they are new."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.companies import store as companies
from showup.companies.company import Company, company_id
from showup.companies.store import StoredCompany
from showup.people import store as people
from showup.people.person import Person, person_id
from showup.people.store import StoredPerson
from showup.pipeline.advance.by_hand import ByHand, companies_named, mentioned
from showup.pipeline.story import Story


class Met(Struct, frozen=True, kw_only=True):
    """The ids of everybody the stories meet, by every email and key under which they are known."""

    person_ids: Mapping[str, UUID]
    company_ids: Mapping[str, UUID]


async def meet(connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[Story], hand: ByHand) -> Met:
    """Saves the people and companies of the stories, and those whom people entered."""
    sightings = _people(told, hand)
    standing = await people.by_email(connection, workspace_id, sightings)
    changed = {email: _after(standing.get(email), person, hand) for email, person in sightings.items()}
    company_ids = await _companies(connection, workspace_id, told, changed, hand)
    stored = [
        StoredPerson(
            id=standing[email].id if email in standing else person_id(workspace_id, email),
            person=person,
            company_id=None if person.company_key is None else company_ids[hand.identities.company(person.company_key)],
        )
        for email, person in changed.items()
    ]
    await people.save(connection, workspace_id, [one for one in stored if one != standing.get(one.person.email)])
    ids = {one.person.email: one.id for one in stored}
    emails = {email for story in told for email in story.people}
    return Met(person_ids={email: ids[hand.identities.person(email)] for email in emails}, company_ids=company_ids)


async def part(
    connection: asyncpg.Connection, workspace_id: UUID, hand: ByHand, emails: Iterable[str], company_ids: Iterable[UUID]
) -> None:
    """Removes whoever a story told anew never met, if nothing else holds them, and who is known as another now."""
    gone = await people.by_email(connection, workspace_id, hand.gone["people"])
    await people.remove(connection, [one.id for one in gone.values()])
    # Somebody may only have stood because others were known as them, and those are not any more.
    left = await people.by_email(connection, workspace_id, hand.anew["people"] | set(emails))
    if left:
        await people.remove_unmet(connection, [one.id for one in left.values()])
    closed = await companies.by_key(connection, workspace_id, hand.gone["companies"])
    await companies.remove(connection, [one.id for one in closed.values()])
    empty = list(company_ids)
    if empty:
        await companies.remove_empty(connection, empty)


def _people(told: Sequence[Story], hand: ByHand) -> dict[str, Person]:
    """Every person of the stories, and everybody entered, under the email by which they are known."""
    found: dict[str, Person] = {}
    met = [person for story in told for person in story.people.values()]
    for person in (*met, *hand.people):
        email = hand.identities.person(person.email)
        same = person if person.email == email else replace(person, email=email)
        found[email] = found[email].told(same) if email in found else same
    return found


def _after(standing: StoredPerson | None, person: Person, hand: ByHand) -> Person:
    if standing is None or person.email in hand.anew["people"]:
        return person
    return standing.person.told(person)


async def _companies(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[Story],
    people_now: Mapping[str, Person],
    hand: ByHand,
) -> dict[str, UUID]:
    met = _met_companies(told, hand)
    # Somebody may work for a company that this batch says nothing new of.
    asked = met.keys() | {hand.identities.company(one.company_key) for one in people_now.values() if one.company_key}
    standing = await companies.by_key(connection, workspace_id, asked)
    for key in asked - met.keys() - standing.keys():
        who = [
            one for one in people_now.values() if one.company_key and hand.identities.company(one.company_key) == key
        ]
        met[key] = mentioned(key, [one.last_met_at for one in who])
    changed = []
    for key, company in met.items():
        known = standing.get(key)
        fresh = known is None or key in hand.anew["companies"]
        after = StoredCompany(
            id=company_id(workspace_id, key) if known is None else known.id,
            company=company if known is None or fresh else known.company.told(company),
        )
        if after != known:
            changed.append(after)
    await companies.save(connection, workspace_id, changed)
    return {key: known.id for key, known in standing.items()} | {one.company.key: one.id for one in changed}


def _met_companies(told: Sequence[Story], hand: ByHand) -> dict[str, Company]:
    """Every company of the stories, and those that people named: each sighting by itself, so that it says the same in
    any batch."""
    found = dict(companies_named(hand))

    def tell(company: Company) -> None:
        key = company.key
        found[key] = found[key].told(company) if key in found else company

    for person in (*(one for story in told for one in story.people.values()), *hand.people):
        if person.company_key is not None:
            tell(mentioned(hand.identities.company(person.company_key), [person.first_met_at, person.last_met_at]))
    for story in told:
        if story.booking is not None and story.booking.attached_to:
            known_as = hand.identities.company(story.booking.attached_to)
            tell(mentioned(known_as, _attached_at(story, known_as, hand)))
        for key, naming in story.names.items():
            known_as = hand.identities.company(key)
            if known_as in found:
                found[known_as] = found[known_as].named(naming.name, naming.seen)
    return found


def _attached_at(story: Story, known_as: str, hand: ByHand) -> list[datetime]:
    """Whenever somebody said that it is of this company: not only the last time, which may be another by late news."""
    return [at for key, said in story.attached_at.items() if hand.identities.company(key) == known_as for at in said]
