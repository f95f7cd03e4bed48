"""The calls of Notion's API that Showup uses, and the data sources of its databases, which are cached."""

import difflib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import GaveUp
from showup.destinations.destination_kind import Meter
from showup.destinations.notion.render import Property
from showup.destinations.notion.settings import NotionSettings, uuid_of
from showup.destinations.vendor_api import ErrorReading, Json, Vendor, VendorApi, VendorError, bearer, short_message

_NOT_FOUND: Final = (
    "Notion did not find {what}: share it with the integration (in Notion: ••• > Connections), or set another database"
)
URL: Final = "https://api.notion.com/v1"
_VERSION: Final = b"2026-03-11"
_PAGE_SIZE: Final = 100
_CACHE_TTL: Final = timedelta(minutes=5)


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    if payload.get("object") != "error":
        return None
    code, words = str(payload.get("code")), str(payload.get("message") or "")
    return ErrorReading(status=status, code=code, words=words, because=_NOT_FOUND if status == 404 else "")


NOTION: Final = Vendor(
    name="Notion",
    read_error=_read_error,
    fix_credentials="Correct NOTION_TOKEN, or the connection's token",
    fix_access="In Notion, give the integration the capabilities to read and update content",
    fix_url="Check NOTION_API_URL, or api_url",
)


class NotionClient:
    """Calls for one delivery or one health check. Each raises VendorError; ids are in Notion's form."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock, meter: Meter) -> None:
        self._api = VendorApi(client, NOTION, url=url, authorization=bearer(token), clock=clock, meter=meter)
        self._clock = clock

    @property
    def cache_key(self) -> tuple[str, bytes]:
        """Returns a cache key for the account: never show it."""
        return self._api.cache_key

    def now(self) -> datetime:
        """Returns the current time of the clock that all calls use."""
        return self._clock()

    async def get_database(self, database_id: str, what: str) -> dict[str, Any]:
        """Returns a database, with the ids and names of its data sources."""
        return await self._call("GET", f"/databases/{database_id}", what, "database")

    async def get_data_source(self, data_source_id: str, what: str) -> dict[str, Any]:
        """Returns a data source, with the schema of its `properties`."""
        return await self._call("GET", f"/data_sources/{data_source_id}", what, "data_source")

    async def query_pages(self, data_source_id: str, condition: dict[str, Any], what: str) -> list[dict[str, Any]]:
        """Returns the first hundred pages that match the filter; none from the trash."""
        body = {"filter": condition, "page_size": _PAGE_SIZE}
        found = await self._call("POST", f"/data_sources/{data_source_id}/query", what, "list", body)
        return [one for one in found.get("results") or () if isinstance(one, dict) and isinstance(one.get("id"), str)]

    async def get_page(self, page_id: str) -> dict[str, Any] | None:
        """Returns a page; None where it is deleted or in the trash."""
        try:
            found = await self._call("GET", f"/pages/{page_id}", "the page", "page")
        except VendorError as fault:
            if fault.status in (400, 404):
                return None
            raise
        return None if found.get("in_trash") or found.get("archived") else found

    async def update_page(self, page_id: str, properties: dict[str, Any], what: str) -> None:
        """Writes these properties; the others stay unchanged."""
        await self._call("PATCH", f"/pages/{page_id}", what, "page", {"properties": properties})

    async def _call(
        self, method: str, path: str, what: str, expected: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return await self._api.call(
            method,
            path,
            what=what,
            expect=lambda payload: payload.get("object") == expected,
            headers={b"Notion-Version": _VERSION},
            json=body,
        )


class MissingProperty(Exception):
    """Raised when something that the settings name does not exist; the text says what to do."""


class DatabaseReference(Struct, frozen=True, kw_only=True):
    """A database or one of its data sources, as the settings name it, and the names of both settings."""

    label: str
    database: str
    data_source: str
    database_setting: str
    data_source_setting: str

    def check(self) -> None:
        """Raises ValueError for an invalid id."""
        if self.data_source:
            uuid_of(self.data_source, self.data_source_setting)
        elif self.database:
            uuid_of(self.database, self.database_setting)
        else:
            raise ValueError(f"{self.label} is not set: set {self.database_setting}")


class DataSource(Struct, frozen=True, kw_only=True):
    """A data source as it was at `read_at`; its properties by name."""

    id: str
    read_at: datetime
    properties: Mapping[str, Property]

    def property(self, name: str, setting: str, what: str) -> Property:
        """Returns the property with that name. Raises MissingProperty."""
        if (found := self.properties.get(name)) is not None:
            return found
        near = difflib.get_close_matches(name, self.properties, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(self.properties)) or 'none'}"
        raise MissingProperty(
            f"{what} has no property {name!r} ({short_message(hint, '')}): add it in Notion, or set {setting}"
        )


_Cache: TypeAlias = dict[tuple[str, bytes, str], DataSource]


_CACHES: Final[WeakKeyDictionary[httpx2.AsyncClient, _Cache]] = WeakKeyDictionary()


class DataSources:
    """A cache for one client: a connection is used every few seconds, and its schema need not be read each time."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._cache = _CACHES.setdefault(client, {})

    async def find(self, api: NotionClient, ref: DatabaseReference) -> DataSource:
        """Returns the data source. Raises VendorError, also where a database has several and none was named."""
        key = (*api.cache_key, ref.data_source or ref.database)
        cached = self._cache.get(key)
        if cached is None or not api.now() - _CACHE_TTL < cached.read_at <= api.now():
            cached = self._cache[key] = await _fetch(api, ref)
        return cached

    def forget(self, api: NotionClient, ref: DatabaseReference) -> None:
        """Drops a cached data source that is out of date."""
        self._cache.pop((*api.cache_key, ref.data_source or ref.database), None)


async def _fetch(api: NotionClient, ref: DatabaseReference) -> DataSource:
    found = await api.get_data_source(await _data_source_id(api, ref), ref.label)
    schema = found.get("properties")
    properties = [_property(name, one) for name, one in schema.items()] if isinstance(schema, dict) else []
    return DataSource(id=found["id"], read_at=api.now(), properties={one.name: one for one in properties})


async def _data_source_id(api: NotionClient, ref: DatabaseReference) -> str:
    if ref.data_source:
        return uuid_of(ref.data_source, ref.data_source_setting)
    database = await api.get_database(uuid_of(ref.database, ref.database_setting), ref.label)
    sources = [one for one in database.get("data_sources") or () if isinstance(one, dict)]
    if len(sources) == 1:
        return str(sources[0].get("id"))
    has = (
        ", ".join(f"{short_message(str(one.get('name') or ''), 'untitled')} ({one.get('id')})" for one in sources)
        or "none"
    )
    because = f"{ref.label} has {len(sources)} data sources: {has}. Set {ref.data_source_setting} to one of them"
    raise VendorError(GaveUp(because=because))


def _property(name: str, schema: Any) -> Property:
    kind = str(schema.get("type", ""))
    body = schema.get(kind)
    options = body.get("options") if isinstance(body, dict) else None
    return Property(name=name, type=kind, options=tuple(str(one.get("name", "")) for one in options or ()))


def contact_database(settings: NotionSettings) -> DatabaseReference:
    """Returns the contact database."""
    return DatabaseReference(
        label="the contact database",
        database=settings.contacts_database,
        data_source=settings.contacts_data_source,
        database_setting="contacts_database",
        data_source_setting="contacts_data_source",
    )


def sequence_database(settings: NotionSettings) -> DatabaseReference:
    """Returns the database of email sequences."""
    return DatabaseReference(
        label="the email sequence database",
        database=settings.sequences_database,
        data_source=settings.sequences_data_source,
        database_setting="sequences_database",
        data_source_setting="sequences_data_source",
    )
