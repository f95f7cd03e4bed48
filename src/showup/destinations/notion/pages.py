"""Finds a person's two pages by email, and writes an update to them.

A permanent failure is the part's `fault`, and a value that could not be written is a note; the other part continues. A
temporary failure (NotionError with TryAgain) ends both, because the whole delivery is retried.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from showup.destinations.contract import TryAgain
from showup.destinations.notion.client import NotionClient
from showup.destinations.notion.data_sources import DatabaseReference, DataSource, DataSources, MissingProperty
from showup.destinations.notion.errors import NotionError
from showup.destinations.notion.property_values import (
    SEARCHABLE,
    Property,
    TypeMismatch,
    filter_by,
    plain_text,
    to_property_value,
)
from showup.destinations.notion.update import PropertyEntry
from showup.values.email_address import normalize_email

Page = dict[str, Any]


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
        """Runs the part and records its permanent failure. Raises NotionError for a temporary one, OverLimit."""
        is_old = False
        try:
            source = await self._sources.find(self._api, self._ref)
            is_old = source.read_at < self._began_at
            result = await update(source)
        except MissingProperty as fault:
            result = PageResult(fault=str(fault))
        except NotionError as fault:
            if isinstance(fault.outcome, TryAgain):
                raise
            result = PageResult(fault=fault.outcome.because)
        if result.fault:
            self._forget_schema()
        if result.fault and is_old:
            raise NotionError(TryAgain(because=result.fault))
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
        pages = await self._api.query_pages(source.id, filter_by(found, email), self._ref.label)
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
