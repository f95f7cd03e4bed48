"""Finds a person's two pages by email, the contact's and the one in the email sequence, and updates them.

A permanent failure is the part's `fault`, and a value that could not be written is a note; the other part continues. A
temporary failure (VendorError with TryAgain) ends both, because the whole delivery is retried.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from showup.destinations.contract import Attempt, TryAgain
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
    Targets,
    TypeMismatch,
    Update,
    day_of,
    filter_by,
    plain_text,
    status_there,
    text_of,
    to_property_value,
)
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.record_status import RecordState, StatusDecision, change_of, decide_status, describe_ahead
from showup.destinations.vendor_api import VendorError
from showup.values.email_address import email_spellings, normalize_email

Page = dict[str, Any]
_NO_CONTACT = "no page in the contact database has this email"
_NO_SEQUENCE = "no page in the email sequence database has this email"


class PageResult(Struct, frozen=True, kw_only=True):
    """The result of one part.

    `page` is the id of the page that was found, `campaign` the campaign read there, `written` names the properties that
    were written, and `set` has the booking's current values that the page has through this event (`Delivered.found`).
    """

    page: str | None = None
    campaign: str | None = None
    written: frozenset[str] = frozenset()
    set: dict[str, str] = {}
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

    def now(self) -> datetime:
        """Returns the current time."""
        return self._api.now()

    async def write(self, source: DataSource, page: Page, entries: Sequence[PropertyEntry]) -> PageResult:
        """Writes the values that can be written, and names the others."""
        values, notes = property_values(source, entries, self._ref, page)
        if values:
            await self._api.update_page(page["id"], values, f"a page in {self._ref.label}")
        if notes:
            self._forget_schema()
        if notes and not values:
            return PageResult(page=page["id"], fault="; ".join(notes))
        return PageResult(page=page["id"], written=frozenset(values), notes=tuple(notes))

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
    api: NotionClient, sources: DataSources, settings: NotionSettings, update: Update, attempt: Attempt
) -> PageResult:
    """Updates the contact's page, which is that of an earlier delivery if there is one. Raises VendorError."""
    if not update.has_contact:
        return PageResult()
    pages = Pages(api, sources, contact_database(settings), (settings.email_property, "email_property"))
    return await pages.run(partial(_contact, pages, settings, update, attempt))


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
    pages: Pages, settings: NotionSettings, update: Update, attempt: Attempt, source: DataSource
) -> PageResult:
    page = await pages.get(attempt.record) if attempt.record is not None else None
    found = [page] if page is not None else await pages.find(source, update.email)
    if not found:
        return PageResult(notes=(_NO_CONTACT,))
    current = current_values(found[0], settings.targets(), update, attempt, pages.now())
    result = await pages.write(source, found[0], (*current.entries.values(), *update.contact))
    values = {name: text_of(one.value) for name, one in current.entries.items() if one.property in result.written}
    result = replace(result, set=values, notes=(*current.notes, *result.notes))
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


class CurrentValues(Struct, frozen=True, kw_only=True):
    """The entries to write about the booking, by the names that `PageResult.set` has for them, and notes."""

    entries: dict[str, PropertyEntry] = {}
    notes: tuple[str, ...] = ()


def current_values(page: Page, targets: Targets, update: Update, attempt: Attempt, now: datetime) -> CurrentValues:
    """Decides about the status and the call date of a contact's page."""
    if attempt.superseded:
        return CurrentValues()
    change, ahead = change_of(update.event), attempt.meeting_ahead
    day_ahead = None if ahead is None else day_of(ahead, update.time_zone)[0]
    if change == "ended" and (other := _other_day(page, targets, update, attempt)) is not None:
        return CurrentValues(notes=(f"the page is about the meeting on {other}, so Showup did not change it",))
    entries: dict[str, PropertyEntry] = {}
    decision = _decide_status(page, targets, update, attempt, day_ahead, now)
    if update.status is not None and decision.status is not None:
        entries["status"] = update.status
    day = day_ahead if change == "ended" else update.day
    if update.day_property and day is not None:
        entries["call_date"] = update.day_entry(day)
    notes = () if decision.because is None else (f"the status was not changed: {decision.because}",)
    return CurrentValues(entries=entries, notes=notes)


def _decide_status(
    page: Page, targets: Targets, update: Update, attempt: Attempt, day_ahead: date | None, now: datetime
) -> StatusDecision:
    if update.status is None:
        return StatusDecision()
    last_set = attempt.last_value(page["id"], "status")
    state = RecordState(
        status=status_there(stored_value(page, update.status.property), last_set),
        last_set=last_set,
        is_known=page["id"] == attempt.record,
        meeting_ahead=describe_ahead(attempt.meeting_ahead, str(day_ahead), now),
    )
    return decide_status(change_of(update.event), text_of(update.status.value), state, targets.missed_statuses)


def _other_day(page: Page, targets: Targets, update: Update, attempt: Attempt) -> str | None:
    """Returns the page's call date if it is neither the meeting's nor one that Showup wrote: a person changed it."""
    there = (text_value(page, targets.day_property) or "")[:10]
    ours = (str(update.day), attempt.last_value(page["id"], "call_date"))
    return there if update.day is not None and there and there not in ours else None


def _of_several(found: list[Page], what: str) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    return (f"{len(found)} pages in the {what} have this email: Showup changed the most recently edited one",)


def _add_notes(result: PageResult, notes: tuple[str, ...]) -> PageResult:
    return replace(result, notes=(*result.notes, *notes))
