"""What lists look like: their names, statuses and fields, asked for once in a while and known to the whole process."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import Api
from showup.destinations.clickup.task import Field
from showup.destinations.contract import GaveUp

_KNOWN_FOR: Final = timedelta(minutes=10)


class Layout(Struct, frozen=True, kw_only=True):
    """One list. `statuses` are as they are written there."""

    id: str
    name: str
    statuses: tuple[str, ...]
    fields: tuple[Field, ...]
    read_at: datetime

    def status(self, named: str) -> str | None:
        """A status as the list writes it, whatever its letters' size; None where it has none of that name."""
        return next((one for one in self.statuses if one.casefold() == named.strip().casefold()), None)

    def field(self, named: str) -> str | None:
        """The id of a field; None where the list has none of that name."""
        return next((one.id for one in self.fields if one.name.strip().casefold() == named.strip().casefold()), None)

    def lacks_status(self, named: str) -> str:
        """The sentence for a missing status."""
        there = ", ".join(self.statuses) or "none at all"
        return f"the list {self.name} ({self.id}) has no status {named!r}: add it, or name one that is there ({there})"

    def lacks_field(self, named: str) -> str:
        """The sentence for a missing field."""
        there = ", ".join(sorted(one.name for one in self.fields)) or "none at all"
        return (
            f"the list {self.name} ({self.id}) has no custom field {named!r}: add one of the type email, "
            f"or set `email_field` to one that is there ({there})"
        )


class Layouts:
    """Those of one token. What is ten minutes old is asked for again, and what turned out to be wrong is forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, Layout] = {}

    async def of(self, api: Api, list_id: str, now: datetime) -> Layout:
        """A list's layout. Raises Refused."""
        known = self._known.get(list_id)
        if known is not None and now - known.read_at < _KNOWN_FOR:
            return known
        self._known[list_id] = known = await _read(api, list_id, now)
        return known

    def forget(self, before: datetime) -> bool:
        """Forgets what was read before a moment; whether there was any of that."""
        old = [name for name, one in self._known.items() if one.read_at < before]
        for name in old:
            del self._known[name]
        return bool(old)


async def _read(api: Api, list_id: str, now: datetime) -> Layout:
    try:
        found = await api.list_of(list_id)
        fields = await api.fields(list_id)
    except Refused as refused:
        raise _without(list_id, refused) from None
    statuses = tuple(one.status for one in found.statuses)
    return Layout(id=list_id, name=found.name or list_id, statuses=statuses, fields=fields, read_at=now)


def _without(list_id: str, refused: Refused) -> Refused:
    if refused.status not in (400, 404):
        return refused
    because = (
        f"ClickUp has no list {list_id}, or the token can't see it: put `lists` and `inbound_list` right. "
        "The id is the number at the end of the list's link"
    )
    return Refused(GaveUp(because=because), refused.status)
