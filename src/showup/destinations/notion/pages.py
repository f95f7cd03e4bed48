"""The two pages of a person: found by email, and told what an update says of them.

What can't succeed as it is, is said as the part's `fault`, and what could not be written beside the rest as a note: the
other part goes on. What may pass (`Refused` with TryAgain) ends both, for the whole is tried again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from showup.destinations.contract import TryAgain
from showup.destinations.notion.answers import Refused
from showup.destinations.notion.api import NotionApi
from showup.destinations.notion.data_sources import DataSource, DataSources, Missing, Place
from showup.destinations.notion.property_values import SEARCHABLE, Property, Unfit, filter_by, said, written
from showup.destinations.notion.update import Entry

Page = dict[str, Any]


class Told(Struct, frozen=True, kw_only=True):
    """What came of one part. `page` is the id of the page that was found, `campaign` what it says of that."""

    page: str | None = None
    campaign: str | None = None
    notes: tuple[str, ...] = ()
    fault: str | None = None


class Pages:
    """The pages of one place, by the property that `email` names (its name, and the setting that says it)."""

    def __init__(self, api: NotionApi, sources: DataSources, place: Place, email: tuple[str, str]) -> None:
        self._api = api
        self._sources = sources
        self._place = place
        self._email = email
        self._began_at = api.now()

    async def told(self, work: Callable[[DataSource], Awaitable[Told]]) -> Told:
        """The part's work, and what its failing means. Raises Refused for what may pass, OverLimit."""
        is_old = False
        try:
            source = await self._sources.find(self._api, self._place)
            is_old = source.read_at < self._began_at
            told = await work(source)
        except Missing as fault:
            told = Told(fault=str(fault))
        except Refused as fault:
            if isinstance(fault.outcome, TryAgain):
                raise
            told = Told(fault=fault.outcome.because)
        if told.fault:
            self._look_anew()
        if told.fault and is_old:
            raise Refused(TryAgain(because=told.fault))
        return told

    def email_property(self, source: DataSource) -> Property:
        """The property by which people are found. Raises Missing."""
        name, setting = self._email
        found = source.property(name, setting, self._place.what)
        if found.type not in SEARCHABLE:
            kinds = ", ".join(SEARCHABLE)
            raise Missing(f"{self._place.what} can't be searched by {name!r}, a {found.type}: make it one of {kinds}")
        return found

    async def of(self, source: DataSource, email: str) -> list[Page]:
        """The pages of exactly this email, whatever its case; the one that was edited last first."""
        found = self.email_property(source)
        pages = await self._api.query(source.id, filter_by(found, email), self._place.what)
        mine = [one for one in pages if (text(one, found.name) or "").strip().casefold() == email.casefold()]
        return sorted(mine, key=lambda one: str(one.get("last_edited_time", "")), reverse=True)

    async def known(self, page_id: str) -> Page | None:
        """The page of an earlier delivery, if it is still there."""
        return await self._api.page(page_id)

    async def write(self, source: DataSource, page: Page, entries: Sequence[Entry]) -> Told:
        """Writes what can be written; what can't is named."""
        values, notes = fitting(source, entries, self._place, page)
        if values:
            await self._api.update(page["id"], values, f"a page of {self._place.what}")
        if notes:
            self._look_anew()
        if notes and not values:
            return Told(page=page["id"], fault="; ".join(notes))
        return Told(page=page["id"], notes=tuple(notes))

    def _look_anew(self) -> None:
        """Next time the data source is read again: somebody may be about to mend it."""
        self._sources.forget(self._api, self._place)


def fitting(
    source: DataSource, entries: Sequence[Entry], place: Place, page: Page | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The entries as their properties hold them, and a sentence for each that can't be written."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for entry in entries:
        try:
            found = source.property(entry.property, entry.setting, place.what)
            values[entry.property] = written(found, entry, held(page or {}, entry.property))
        except (Missing, Unfit) as fault:
            notes.append(str(fault))
    return values, notes


def held(page: Page, name: str) -> dict[str, Any] | None:
    """What a page has for the property of that name, in Notion's shape."""
    properties = page.get("properties")
    found = properties.get(name) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else None


def text(page: Page, name: str) -> str | None:
    """The same, as text."""
    return said(held(page, name))
