"""Which data source is meant, and what its properties are: asked of Notion, and believed for some minutes."""

import difflib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import httpx2
from msgspec import Struct

from showup.destinations.contract import GaveUp
from showup.destinations.notion.answers import Refused
from showup.destinations.notion.api import NotionApi
from showup.destinations.notion.property_values import Property
from showup.destinations.notion.settings import uuid_of
from showup.destinations.wire import plain

_BELIEVED_FOR: Final = timedelta(minutes=5)


class Missing(Exception):
    """Something that the settings name is not there; the text says what to do."""


class Place(Struct, frozen=True, kw_only=True):
    """Where to look, by the settings: a database or one of its data sources, and what the two settings are called."""

    what: str
    database: str
    data_source: str
    database_setting: str
    data_source_setting: str

    def check(self) -> None:
        """Raises ValueError for what is no id."""
        if self.data_source:
            uuid_of(self.data_source, self.data_source_setting)
        elif self.database:
            uuid_of(self.database, self.database_setting)
        else:
            raise ValueError(f"Notion needs to know {self.what}: set {self.database_setting}")


class DataSource(Struct, frozen=True, kw_only=True):
    """A data source as it was at `read_at`; its properties by name."""

    id: str
    read_at: datetime
    properties: Mapping[str, Property]

    def property(self, name: str, setting: str, what: str) -> Property:
        """The property of that name. Raises Missing."""
        if (found := self.properties.get(name)) is not None:
            return found
        near = difflib.get_close_matches(name, self.properties, n=1)
        hint = f"it has {near[0]!r}" if near else f"it has {', '.join(sorted(self.properties)) or 'none'}"
        raise Missing(f"{what} has no property {name!r} ({plain(hint, '')}): add it in Notion, or set {setting}")


_Known: TypeAlias = dict[tuple[str, str, str], DataSource]
_KNOWN: Final[WeakKeyDictionary[httpx2.AsyncClient, _Known]] = WeakKeyDictionary()


class DataSources:
    """Those that calls of one client have met: a connection is looked up every few seconds, its schema is not."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._known = _KNOWN.setdefault(client, {})

    async def find(self, api: NotionApi, place: Place) -> DataSource:
        """The place's data source. Raises Refused, also where a database has several and none was named."""
        key = (*api.account, place.data_source or place.database)
        known = self._known.get(key)
        if known is None or not api.now() - _BELIEVED_FOR < known.read_at <= api.now():
            known = self._known[key] = await _read(api, place)
        return known

    def forget(self, api: NotionApi, place: Place) -> None:
        """What is known of it does not hold any more."""
        self._known.pop((*api.account, place.data_source or place.database), None)


async def _read(api: NotionApi, place: Place) -> DataSource:
    found = await api.data_source(await _id_of(api, place), place.what)
    schema = found.get("properties")
    properties = [_property(name, one) for name, one in schema.items()] if isinstance(schema, dict) else []
    return DataSource(id=found["id"], read_at=api.now(), properties={one.name: one for one in properties})


async def _id_of(api: NotionApi, place: Place) -> str:
    if place.data_source:
        return uuid_of(place.data_source, place.data_source_setting)
    database = await api.database(uuid_of(place.database, place.database_setting), place.what)
    sources = [one for one in database.get("data_sources") or () if isinstance(one, dict)]
    if len(sources) == 1:
        return str(sources[0].get("id"))
    has = ", ".join(f"{plain(str(one.get('name') or ''), 'untitled')} ({one.get('id')})" for one in sources) or "none"
    because = f"{place.what} has {len(sources)} data sources: {has}. Set {place.data_source_setting} to one of them"
    raise Refused(GaveUp(because=because))


def _property(name: str, schema: Any) -> Property:
    kind = str(schema.get("type", ""))
    body = schema.get(kind)
    options = body.get("options") if isinstance(body, dict) else None
    return Property(name=name, type=kind, options=tuple(str(one.get("name", "")) for one in options or ()))
