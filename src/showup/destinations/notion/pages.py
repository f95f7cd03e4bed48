"""Finds a person's two pages by email, the contact's and the one in the email sequence, and updates them.

A permanent failure is the part's `fault`, and a value that could not be written is a note; the other part continues. A
temporary failure (VendorError with TryAgain) ends both, because the whole delivery is retried.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from msgspec import Struct

from showup.destinations.contract import TryAgain
from showup.destinations.notion.client import (
    DatabaseReference,
    DataSource,
    DataSources,
    MissingProperty,
    NotionClient,
    contact_database,
    sequence_database,
)
from showup.destinations.notion.render import (
    SEARCHABLE,
    Property,
    PropertyEntry,
    TypeMismatch,
    Update,
    filter_by,
    plain_text,
    to_property_value,
)
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.vendor_api import VendorError
from showup.values.email_address import email_spellings, normalize_email

Page = dict[str, Any]
_NO_CONTACT = "no page in the contact database has this email"
_NO_SEQUENCE = "no page in the email sequence database has this email"


class PageResult(Struct, frozen=True, kw_only=True):
    """The result of one part. `page` is the id of the page that was found, `campaign` the campaign written there."""

    page: str | None = None
    campaign: str | None = None
    notes: tuple[str, ...] = ()
    fault: str | None = None


class Pages:
    """The pages of one database, found by the property that `email` names (its name, and the setting that names it)."""

    def __init__(self, api: NotionClient, sources: DataSources, ref: DatabaseReference, email: tuple[str, str]) -> None:
        self._api = api
        self._sources = sources
        self._ref = ref
        self._email = email
        self._began_at = api.now()

    async def run(self, update: Callable[[DataSource], Awaitable[PageResult]]) -> PageResult:
        """Runs the part and records its permanent failure. Raises VendorError for a temporary one."""
        is_old = False
        try:
            source = await self._sources.find(self._api, self._ref)
            is_old = source.read_at < self._began_at
            result = await update(source)
        except MissingProperty as fault:
            result = PageResult(fault=str(fault))
        except VendorError as fault:
            if isinstance(fault.outcome, TryAgain):
                raise
            result = PageResult(fault=fault.outcome.because)
        if result.fault:
            self._forget_schema()
        if result.fault and is_old:
            raise VendorError(TryAgain(because=result.fault))
        return result

    def email_property(self, source: DataSource) -> Property:
        """Returns the property that holds the email address. Raises MissingProperty."""
        name, setting = self._email
        found = source.property(name, setting, self._ref.label)
        if found.type not in SEARCHABLE:
            kinds = ", ".join(SEARCHABLE)
            raise MissingProperty(
                f"{self._ref.label} can't be searched by {name!r} (type {found.type}): change its type to {kinds}"
            )
        return found

    async def find(self, source: DataSource, email: str) -> list[Page]:
        """Returns the pages with exactly this email, ignoring case; the most recently edited first."""
        found = self.email_property(source)
        pages = {
            page["id"]: page
            for spelling in email_spellings(email)
            for page in await self._api.query_pages(source.id, filter_by(found, spelling), self._ref.label)
        }.values()
        exact = [one for one in pages if normalize_email(text_value(one, found.name)) == normalize_email(email)]
        return sorted(exact, key=lambda one: str(one.get("last_edited_time", "")), reverse=True)

    async def get(self, page_id: str) -> Page | None:
        """Returns the page of an earlier delivery, if it still exists."""
        return await self._api.get_page(page_id)

    async def write(self, source: DataSource, page: Page, entries: Sequence[PropertyEntry]) -> PageResult:
        """Writes the values that can be written, and names the others."""
        values, notes = property_values(source, entries, self._ref, page)
        if values:
            await self._api.update_page(page["id"], values, f"a page in {self._ref.label}")
        if notes:
            self._forget_schema()
        if notes and not values:
            return PageResult(page=page["id"], fault="; ".join(notes))
        return PageResult(page=page["id"], notes=tuple(notes))

    def _forget_schema(self) -> None:
        """The next attempt reads the data source again, because a person may fix it in the meantime."""
        self._sources.forget(self._api, self._ref)


def property_values(
    source: DataSource, entries: Sequence[PropertyEntry], ref: DatabaseReference, page: Page | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Returns the entries as property values, and a sentence for each that can't be written."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for entry in entries:
        try:
            found = source.property(entry.property, entry.setting, ref.label)
            values[entry.property] = to_property_value(found, entry, stored_value(page or {}, entry.property))
        except (MissingProperty, TypeMismatch) as fault:
            notes.append(str(fault))
    return values, notes


def stored_value(page: Page, name: str) -> dict[str, Any] | None:
    """Returns a page's value of that property, in Notion's form."""
    properties = page.get("properties")
    found = properties.get(name) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else None


def text_value(page: Page, name: str) -> str | None:
    """Returns a page's value of that property, as text."""
    return plain_text(stored_value(page, name))


async def update_contact(
    api: NotionClient, sources: DataSources, settings: NotionSettings, update: Update, record: str | None
) -> PageResult:
    """Updates the contact's page; `record` is the page of an earlier delivery. Raises VendorError."""
    if not update.contact:
        return PageResult()
    pages = Pages(api, sources, contact_database(settings), (settings.email_property, "email_property"))
    return await pages.run(partial(_contact, pages, settings, update, record))


async def update_sequence(
    api: NotionClient, sources: DataSources, settings: NotionSettings, update: Update
) -> PageResult:
    """Finds and updates the page in the email sequence. Raises VendorError."""
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
