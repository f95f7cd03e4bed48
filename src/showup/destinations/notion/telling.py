"""The two parts of an update: the contact's page, and the page in the email sequence."""

from datetime import date
from functools import partial

from showup.destinations.notion.api import NotionApi
from showup.destinations.notion.data_sources import DataSource, DataSources, Missing
from showup.destinations.notion.pages import Page, Pages, Told, text
from showup.destinations.notion.places import contacts_of, sequences_of
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.update import Update

_NO_CONTACT = "no page of the contact database has this email"
_NO_SEQUENCE = "no page of the email sequence database has this email"


async def tell_contact(
    api: NotionApi, sources: DataSources, settings: NotionSettings, update: Update, record: str | None
) -> Told:
    """Updates the contact's page; `record` is the page that an earlier delivery went to. Raises Refused, OverLimit."""
    if not update.contact:
        return Told()
    pages = Pages(api, sources, contacts_of(settings), (settings.email_property, "email_property"))
    return await pages.told(partial(_contact, pages, settings, update, record))


async def tell_sequence(api: NotionApi, sources: DataSources, settings: NotionSettings, update: Update) -> Told:
    """Finds the page in the email sequence, and says there what the update says. Raises Refused, OverLimit."""
    if not update.campaign and not update.sequence:
        return Told()
    pages = Pages(api, sources, sequences_of(settings), (settings.sequence_email_property, "sequence_email_property"))
    return await pages.told(partial(_sequence, pages, settings, update))


async def _contact(
    pages: Pages, settings: NotionSettings, update: Update, record: str | None, source: DataSource
) -> Told:
    page = await pages.known(record) if record is not None else None
    found = [page] if page is not None else await pages.of(source, update.email)
    if not found:
        return Told(notes=(_NO_CONTACT,))
    if (other := _other_day(found[0], settings, update.only_of)) is not None:
        return Told(page=found[0]["id"], notes=(f"the page is about the meeting on {other}: it was left alone",))
    told = await pages.write(source, found[0], update.contact)
    return _with(told, _of_several(found, "contact database"))


async def _sequence(pages: Pages, settings: NotionSettings, update: Update, source: DataSource) -> Told:
    found = await pages.of(source, update.email)
    if not found:
        # Who is in no sequence has none to be found; who was reminded should have one.
        return Told(notes=(_NO_SEQUENCE,) if update.sequence else ())
    told = await pages.write(source, found[0], update.sequence)
    told = _with(told, _of_several(found, "email sequence database"))
    name = settings.sequence_campaign_property
    if not update.campaign or not name:
        return told
    try:
        source.property(name, "sequence_campaign_property", "the email sequence database")
    except Missing as fault:
        told = _with(told, (str(fault),))
    return Told(page=told.page, notes=told.notes, fault=told.fault, campaign=text(found[0], name))


def _other_day(page: Page, settings: NotionSettings, day: date | None) -> str | None:
    """The day of another meeting that the page is about by now: an older one's end is no news of it."""
    stands = (text(page, settings.call_date_property) or "")[:10]
    return stands if day is not None and stands and stands != day.isoformat() else None


def _of_several(found: list[Page], what: str) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    return (f"{len(found)} pages of the {what} have this email: the one that was edited last was taken",)


def _with(told: Told, notes: tuple[str, ...]) -> Told:
    return Told(page=told.page, campaign=told.campaign, notes=(*told.notes, *notes), fault=told.fault)
