"""The Notion destination kind: how a connection is built, and whether its databases accept the values to write."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.field_words import SecretWords
from showup.destinations.notion.client import (
    URL,
    DatabaseReference,
    DataSources,
    MissingProperty,
    NotionClient,
    contact_database,
    sequence_database,
)
from showup.destinations.notion.destination import PACE, Notion
from showup.destinations.notion.pages import Pages, property_values
from showup.destinations.notion.render import PropertyEntry, possible_update
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.vendor_api import VendorError


def _subscribed_events(settings: NotionSettings) -> frozenset[str]:
    targets = settings.targets()
    found = set(targets.booking_events)
    if targets.has_sequences and targets.reminders:
        found.add("reminder.sent")
    return frozenset(found)


def _build(settings: NotionSettings, credentials: Mapping[str, str], context: DestinationContext) -> Notion:
    contact_database(settings).check()
    if settings.has_sequences:
        sequence_database(settings).check()
    make_client = partial(_make_client, settings, credentials, context)
    return Notion(make_client, settings, DataSources(context.client), settings.override_pace(PACE))


def _make_client(settings: NotionSettings, credentials: Mapping[str, str], context: DestinationContext) -> NotionClient:
    return NotionClient(
        context.client,
        url=settings.api_url or URL,
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
    possible, sources = possible_update(settings.targets()), DataSources(context.client)
    make_client = partial(_make_client, settings, credentials, context)
    email = (settings.email_property, "email_property")
    found = await _database_faults(make_client(), sources, contact_database(settings), email, possible.contact)
    if settings.has_sequences:
        email = (settings.sequence_email_property, "sequence_email_property")
        found += await _database_faults(make_client(), sources, sequence_database(settings), email, possible.sequence)
    # A refused key is reported only once.
    return list(dict.fromkeys(found))


async def _database_faults(
    api: NotionClient,
    sources: DataSources,
    ref: DatabaseReference,
    email: tuple[str, str],
    entries: tuple[PropertyEntry, ...],
) -> list[str]:
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
    except VendorError as fault:
        return [str(fault)]
    return list(dict.fromkeys(faults))


KIND: Final = DestinationKind(
    name="notion",
    settings=NotionSettings,
    credentials=("token",),
    subscribed_events=_subscribed_events,
    build=_build,
    check_health=_check_health,
    keeps_records=True,
    purpose="A contact’s page shows the booking’s status, and the page of a sequence which reminders were sent.",
    guide=(
        "In Notion, create an internal integration that can read and update content, and copy its secret.",
        "Share the databases with it: ••• and Connections.",
        "Copy the link of each database.",
    ),
    secrets={"token": SecretWords(title="Integration secret", example="ntn_…")},
)
