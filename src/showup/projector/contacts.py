"""Find or create the people and companies of a batch, by email and key."""

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
from showup.pipeline.replay import BookingState
from showup.projector.manual_changes import ManualChanges, company_of_key, named_companies


class Contacts(Struct, frozen=True, kw_only=True):
    """The ids of all people and companies in the batch, by every email and key that they have."""

    person_ids: Mapping[str, UUID]
    company_ids: Mapping[str, UUID]


async def save_contacts(
    connection: asyncpg.Connection, workspace_id: UUID, states: Sequence[BookingState], manual: ManualChanges
) -> Contacts:
    """Save the people and companies that bookings mention or that people recorded."""
    people_by_email = _people(states, manual)
    stored_before = await people.by_email(connection, workspace_id, people_by_email)
    changed = {
        email: _merged_person(stored_before.get(email), person, manual) for email, person in people_by_email.items()
    }
    company_ids = await _save_companies(connection, workspace_id, states, changed, manual)
    stored = [
        StoredPerson(
            id=stored_before[email].id if email in stored_before else person_id(workspace_id, email),
            person=person,
            company_id=None
            if person.company_key is None
            else company_ids[manual.identities.company(person.company_key)],
        )
        for email, person in changed.items()
    ]
    await people.save(connection, workspace_id, [one for one in stored if one != stored_before.get(one.person.email)])
    ids = {one.person.email: one.id for one in stored}
    emails = {email for state in states for email in state.people}
    return Contacts(
        person_ids={email: ids[manual.identities.person(email)] for email in emails}, company_ids=company_ids
    )


async def remove_contacts(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    manual: ManualChanges,
    emails: Iterable[str],
    company_ids: Iterable[UUID],
) -> None:
    """Remove people and companies that a replay no longer finds and nothing else references, and merged ones."""
    merged_people = await people.by_email(connection, workspace_id, manual.merged_names["people"])
    await people.remove(connection, [one.id for one in merged_people.values()])
    # A person or company may have existed only because of a merge that is now undone.
    reset_people = manual.reset_names["people"] - {manual.identities.person(one.email) for one in manual.people}
    unlisted = await people.by_email(connection, workspace_id, manual.reset_names["people"] | set(emails))
    if unlisted:
        not_recorded = [one.id for email, one in unlisted.items() if email in reset_people]
        await people.remove_unreferenced(connection, [one.id for one in unlisted.values()], not_recorded=not_recorded)
    merged_companies = await companies.by_key(connection, workspace_id, manual.merged_names["companies"])
    await companies.remove(connection, [one.id for one in merged_companies.values()])
    candidates = list(company_ids)
    if candidates:
        reset_companies = manual.reset_names["companies"] - {one.key for one in manual.companies}
        not_recorded = [company_id(workspace_id, key) for key in reset_companies]
        await companies.remove_unreferenced(connection, candidates, not_recorded=not_recorded)


def _people(states: Sequence[BookingState], manual: ManualChanges) -> dict[str, Person]:
    """Return every person of the bookings, and every recorded person, by current email."""
    found: dict[str, Person] = {}
    from_bookings = [person for state in states for person in state.people.values()]
    for person in (*from_bookings, *manual.people):
        email = manual.identities.person(person.email)
        identified = person if person.email == email else replace(person, email=email)
        found[email] = found[email].merged_with(identified) if email in found else identified
    return found


def _merged_person(stored: StoredPerson | None, person: Person, manual: ManualChanges) -> Person:
    if stored is None or person.email in manual.reset_names["people"]:
        return person
    return stored.person.merged_with(person)


async def _save_companies(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    states: Sequence[BookingState],
    people_now: Mapping[str, Person],
    manual: ManualChanges,
) -> dict[str, UUID]:
    by_key = _mentioned_companies(states, manual)
    # A person may work for a company about which this batch has no new information.
    keys = by_key.keys() | {
        manual.identities.company(one.company_key) for one in people_now.values() if one.company_key
    }
    stored_before = await companies.by_key(connection, workspace_id, keys)
    for key in keys - by_key.keys() - stored_before.keys():
        employees = [
            one for one in people_now.values() if one.company_key and manual.identities.company(one.company_key) == key
        ]
        by_key[key] = company_of_key(key, [one.last_met_at for one in employees])
    changed = []
    for key, company in by_key.items():
        known = stored_before.get(key)
        is_reset = known is None or key in manual.reset_names["companies"]
        after = StoredCompany(
            id=company_id(workspace_id, key) if known is None else known.id,
            company=company if known is None or is_reset else known.company.merged_with(company),
        )
        if after != known:
            changed.append(after)
    await companies.save(connection, workspace_id, changed)
    return {key: known.id for key, known in stored_before.items()} | {one.company.key: one.id for one in changed}


def _mentioned_companies(states: Sequence[BookingState], manual: ManualChanges) -> dict[str, Company]:
    """Return every company of the bookings, and those that people named.

    Each mention is kept separate, so that the result does not depend on the batch.
    """
    found = dict(named_companies(manual))

    def add(company: Company) -> None:
        key = company.key
        found[key] = found[key].merged_with(company) if key in found else company

    for person in (*(one for state in states for one in state.people.values()), *manual.people):
        if person.company_key is not None:
            add(
                company_of_key(manual.identities.company(person.company_key), [person.first_met_at, person.last_met_at])
            )
    for state in states:
        if state.booking is not None and state.booking.attached_to:
            known_key = manual.identities.company(state.booking.attached_to)
            add(company_of_key(known_key, _attached_at(state, known_key, manual)))
        for key, company_name in state.company_names.items():
            known_key = manual.identities.company(key)
            if known_key in found:
                found[known_key] = found[known_key].with_name(company_name.name, company_name.order_key)
    return found


def _attached_at(state: BookingState, known_key: str, manual: ManualChanges) -> list[datetime]:
    """Return every time a person attached the booking to this company, because late events may change the last one."""
    return [
        at for key, times in state.attached_at.items() if manual.identities.company(key) == known_key for at in times
    ]
