"""Connects Notion and checks its health: whether its databases are readable, and accept the values to write."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.destination_kind import DestinationContext, DestinationKind, OverLimit
from showup.destinations.notion.client import URL
from showup.destinations.notion.data_sources import DatabaseReference, DataSources, MissingProperty
from showup.destinations.notion.databases import contact_database, sequence_database
from showup.destinations.notion.destination import PACE, Notion, NotionAccess
from showup.destinations.notion.errors import NotionError
from showup.destinations.notion.pages import Pages, property_values
from showup.destinations.notion.render import possible_update
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.update import PropertyEntry


def _subscribed_events(settings: NotionSettings) -> frozenset[str]:
    targets = settings.targets()
    found = {"booking.created", "booking.rescheduled", *targets.statuses}
    if targets.has_sequences and targets.reminders:
        found.add("reminder.sent")
    return frozenset(found)


def _build(settings: NotionSettings, credentials: Mapping[str, str], context: DestinationContext) -> Notion:
    contact_database(settings).check()
    if settings.has_sequences:
        sequence_database(settings).check()
    return Notion(settings, _access(settings, credentials, context), settings.override_pace(PACE))


def _access(settings: NotionSettings, credentials: Mapping[str, str], context: DestinationContext) -> NotionAccess:
    return NotionAccess(
        client=context.client,
        url=(settings.api_url or URL).rstrip("/"),
        token=credentials["token"],
        clock=context.clock,
        meter=context.meter(settings.override_pace(PACE)),
    )


async def _check_health(
    settings: NotionSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    try:
        _build(settings, credentials, context)
    except ValueError as fault:
        return [str(fault)]
    access, possible = _access(settings, credentials, context), possible_update(settings.targets())
    email = (settings.email_property, "email_property")
    found = await _database_faults(access, contact_database(settings), email, possible.contact)
    if settings.has_sequences:
        email = (settings.sequence_email_property, "sequence_email_property")
        found += await _database_faults(access, sequence_database(settings), email, possible.sequence)
    # A refused key is reported only once.
    return list(dict.fromkeys(found))


async def _database_faults(
    access: NotionAccess, ref: DatabaseReference, email: tuple[str, str], entries: tuple[PropertyEntry, ...]
) -> list[str]:
    api, sources = access.client_for_delivery(), DataSources(access.client)
    sources.forget(api, ref)
    pages = Pages(api, sources, ref, email)
    try:
        source = await sources.find(api, ref)
        _, faults = property_values(source, entries, ref)
        try:
            pages.email_property(source)
        except MissingProperty as fault:
            faults.append(str(fault))
        # A page may be readable by its id and still not be searchable: only a search shows that.
        else:
            await pages.find(source, "nobody@example.com")
    except (NotionError, OverLimit) as fault:
        return [str(fault)]
    return list(dict.fromkeys(faults))


KIND: Final = DestinationKind(
    name="notion",
    settings=NotionSettings,
    credentials=("token",),
    subscribed_events=_subscribed_events,
    build=_build,
    check_health=_check_health,
)
