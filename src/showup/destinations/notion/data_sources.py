"""Finds data sources and their properties in Notion, and caches them for some minutes."""

import difflib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import httpx2
from msgspec import Struct

from showup.destinations.contract import GaveUp
from showup.destinations.notion.client import NotionClient
from showup.destinations.notion.errors import NotionError
from showup.destinations.notion.property_values import Property
from showup.destinations.notion.settings import uuid_of
from showup.destinations.vendor_api import short_message

_CACHE_TTL: Final = timedelta(minutes=5)


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


_Cache: TypeAlias = dict[tuple[str, str, str], DataSource]
_CACHES: Final[WeakKeyDictionary[httpx2.AsyncClient, _Cache]] = WeakKeyDictionary()


class DataSources:
    """A cache for one client: a connection is used every few seconds, and its schema need not be read each time."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._cache = _CACHES.setdefault(client, {})

    async def find(self, api: NotionClient, ref: DatabaseReference) -> DataSource:
        """Returns the data source. Raises NotionError, also where a database has several and none was named."""
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
    raise NotionError(GaveUp(because=because))


def _property(name: str, schema: Any) -> Property:
    kind = str(schema.get("type", ""))
    body = schema.get(kind)
    options = body.get("options") if isinstance(body, dict) else None
    return Property(name=name, type=kind, options=tuple(str(one.get("name", "")) for one in options or ()))
