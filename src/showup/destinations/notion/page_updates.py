"""The two parts of an update: the contact's page, and the page in the email sequence."""

from datetime import date
from functools import partial

from showup.destinations.notion.client import NotionClient
from showup.destinations.notion.data_sources import DataSource, DataSources, MissingProperty
from showup.destinations.notion.databases import contact_database, sequence_database
from showup.destinations.notion.pages import Page, PageResult, Pages, text_value
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.update import Update

_NO_CONTACT = "no page in the contact database has this email"
_NO_SEQUENCE = "no page in the email sequence database has this email"


async def update_contact(
    api: NotionClient, sources: DataSources, settings: NotionSettings, update: Update, record: str | None
) -> PageResult:
    """Updates the contact's page; `record` is the page of an earlier delivery. Raises NotionError, OverLimit."""
    if not update.contact:
        return PageResult()
    pages = Pages(api, sources, contact_database(settings), (settings.email_property, "email_property"))
    return await pages.run(partial(_contact, pages, settings, update, record))


async def update_sequence(
    api: NotionClient, sources: DataSources, settings: NotionSettings, update: Update
) -> PageResult:
    """Finds and updates the page in the email sequence. Raises NotionError, OverLimit."""
    if not update.campaign and not update.sequence:
        return PageResult()
    pages = Pages(
        api, sources, sequence_database(settings), (settings.sequence_email_property, "sequence_email_property")
    )
    return await pages.run(partial(_sequence, pages, settings, update))


async def _contact(
    pages: Pages, settings: NotionSettings, update: Update, record: str | None, source: DataSource
) -> PageResult:
    page = await pages.get(record) if record is not None else None
    found = [page] if page is not None else await pages.find(source, update.email)
    if not found:
        return PageResult(notes=(_NO_CONTACT,))
    if (other := _other_day(found[0], settings, update.only_of)) is not None:
        return PageResult(
            page=found[0]["id"], notes=(f"the page is about the meeting on {other}, so Showup did not change it",)
        )
    result = await pages.write(source, found[0], update.contact)
    return _add_notes(result, _of_several(found, "contact database"))


async def _sequence(pages: Pages, settings: NotionSettings, update: Update, source: DataSource) -> PageResult:
    found = await pages.find(source, update.email)
    if not found:
        # An attendee in no sequence has no page; an attendee who was reminded should have one.
        return PageResult(notes=(_NO_SEQUENCE,) if update.sequence else ())
    result = await pages.write(source, found[0], update.sequence)
    result = _add_notes(result, _of_several(found, "email sequence database"))
    name = settings.sequence_campaign_property
    if not update.campaign or not name:
        return result
    try:
        source.property(name, "sequence_campaign_property", "the email sequence database")
    except MissingProperty as fault:
        result = _add_notes(result, (str(fault),))
    return PageResult(page=result.page, notes=result.notes, fault=result.fault, campaign=text_value(found[0], name))


def _other_day(page: Page, settings: NotionSettings, day: date | None) -> str | None:
    """Returns the page's call date if it is another day: the result of an older meeting must not overwrite it."""
    page_day = (text_value(page, settings.call_date_property) or "")[:10]
    return page_day if day is not None and page_day and page_day != day.isoformat() else None


def _of_several(found: list[Page], what: str) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    return (f"{len(found)} pages in the {what} have this email: Showup changed the most recently edited one",)


def _add_notes(result: PageResult, notes: tuple[str, ...]) -> PageResult:
    return PageResult(page=result.page, campaign=result.campaign, notes=(*result.notes, *notes), fault=result.fault)
