"""Caches the layout of lists (names, statuses and fields) for the whole process."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from showup.destinations.clickup.client import ClickUpClient
from showup.destinations.clickup.errors import ClickUpError
from showup.destinations.clickup.task import Field
from showup.destinations.contract import GaveUp

_CACHE_TTL: Final = timedelta(minutes=10)


class Layout(Struct, frozen=True, kw_only=True):
    """One list's layout. `statuses` are spelled as in ClickUp."""

    id: str
    name: str
    statuses: tuple[str, ...]
    fields: tuple[Field, ...]
    read_at: datetime

    def status(self, name: str) -> str | None:
        """Returns a status as the list spells it, ignoring case; None where the list has no such status."""
        return next((one for one in self.statuses if one.casefold() == name.strip().casefold()), None)

    def field(self, name: str) -> str | None:
        """Returns a field's id; None where the list has no such field."""
        return next((one.id for one in self.fields if one.name.strip().casefold() == name.strip().casefold()), None)

    def missing_status(self, name: str) -> str:
        """Returns the error text for a missing status."""
        available = ", ".join(self.statuses) or "it has none"
        return f"the list {self.name} ({self.id}) has no status {name!r}: add it, or set one that exists ({available})"

    def missing_field(self, name: str) -> str:
        """Returns the error text for a missing field."""
        available = ", ".join(sorted(one.name for one in self.fields)) or "it has none"
        return (
            f"the list {self.name} ({self.id}) has no custom field {name!r}: add a field of the type email, "
            f"or set `email_field` to one that exists ({available})"
        )


class LayoutCache:
    """The layouts read with one token. A layout older than ten minutes is read again; an incorrect one is dropped."""

    def __init__(self) -> None:
        self._layouts: dict[str, Layout] = {}

    async def get(self, api: ClickUpClient, list_id: str, now: datetime) -> Layout:
        """Returns a list's layout. Raises ClickUpError."""
        known = self._layouts.get(list_id)
        if known is not None and now - known.read_at < _CACHE_TTL:
            return known
        self._layouts[list_id] = known = await _fetch(api, list_id, now)
        return known

    def forget(self, before: datetime) -> bool:
        """Drops the layouts read before a moment; returns whether there were any."""
        old = [name for name, one in self._layouts.items() if one.read_at < before]
        for name in old:
            del self._layouts[name]
        return bool(old)


async def _fetch(api: ClickUpClient, list_id: str, now: datetime) -> Layout:
    try:
        found = await api.get_list(list_id)
        fields = await api.get_fields(list_id)
    except ClickUpError as error:
        raise _list_error(list_id, error) from None
    statuses = tuple(one.status for one in found.statuses)
    return Layout(id=list_id, name=found.name or list_id, statuses=statuses, fields=fields, read_at=now)


def _list_error(list_id: str, error: ClickUpError) -> ClickUpError:
    if error.status not in (400, 404):
        return error
    because = (
        f"ClickUp has no list {list_id}, or the token can't see it: correct `lists` and `inbound_list`. "
        "The id is the number at the end of the list's link"
    )
    return ClickUpError(GaveUp(because=because), error.status)
