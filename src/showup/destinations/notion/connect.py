"""How Notion is connected, and examined: whether its databases can be read, and hold what is to be written."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.kind import Kind, Outfit, OverLimit
from showup.destinations.notion.answers import Refused
from showup.destinations.notion.api import URL
from showup.destinations.notion.data_sources import DataSources, Missing, Place
from showup.destinations.notion.destination import PACE, Access, Notion
from showup.destinations.notion.pages import Pages, fitting
from showup.destinations.notion.places import contacts_of, sequences_of
from showup.destinations.notion.render import everything
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.update import Entry


def _listens_to(settings: NotionSettings) -> frozenset[str]:
    targets = settings.targets()
    found = {"booking.created", "booking.rescheduled", *targets.statuses}
    if targets.has_sequences and targets.reminders:
        found.add("reminder.sent")
    return frozenset(found)


def _build(settings: NotionSettings, credentials: Mapping[str, str], outfit: Outfit) -> Notion:
    contacts_of(settings).check()
    if settings.has_sequences:
        sequences_of(settings).check()
    return Notion(settings, _access(settings, credentials, outfit), settings.paced(PACE))


def _access(settings: NotionSettings, credentials: Mapping[str, str], outfit: Outfit) -> Access:
    return Access(
        client=outfit.client,
        url=(settings.api_url or URL).rstrip("/"),
        token=credentials["token"],
        clock=outfit.clock,
        meter=outfit.meter(settings.paced(PACE)),
    )


async def _examine(settings: NotionSettings, credentials: Mapping[str, str], outfit: Outfit) -> list[str]:
    try:
        _build(settings, credentials, outfit)
    except ValueError as fault:
        return [str(fault)]
    access, every = _access(settings, credentials, outfit), everything(settings.targets())
    email = (settings.email_property, "email_property")
    found = await _faults(access, contacts_of(settings), email, every.contact)
    if settings.has_sequences:
        email = (settings.sequence_email_property, "sequence_email_property")
        found += await _faults(access, sequences_of(settings), email, every.sequence)
    # A key that is refused is refused twice.
    return list(dict.fromkeys(found))


async def _faults(access: Access, place: Place, email: tuple[str, str], entries: tuple[Entry, ...]) -> list[str]:
    api, sources = access.api(), DataSources(access.client)
    sources.forget(api, place)
    pages = Pages(api, sources, place, email)
    try:
        source = await sources.find(api, place)
        _, faults = fitting(source, entries, place)
        try:
            pages.email_property(source)
        except Missing as fault:
            faults.append(str(fault))
        # A page may be readable by its id and yet not be found: only a search shows that.
        else:
            await pages.of(source, "nobody@example.com")
    except (Refused, OverLimit) as fault:
        return [str(fault)]
    return list(dict.fromkeys(faults))


KIND: Final = Kind(
    name="notion",
    settings=NotionSettings,
    credentials=("token",),
    listens_to=_listens_to,
    build=_build,
    examine=_examine,
)
