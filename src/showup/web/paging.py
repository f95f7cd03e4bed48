"""Pages of a list: the cursor that a caller sends back, and the sorting they may choose."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import DateTime

from showup.reads.keyset import Ask, Page, Place, Sorts
from showup.web.problems import Refusal


class _Written(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: str
    id: UUID


def ask_for(*, sort: str, limit: int, cursor: str | None, sorts: Sorts) -> Ask:
    """The page that a caller wants. Refuses a cursor that is broken or was made for another `sort`."""
    after = None if cursor is None else _read(cursor, sort, sorts)
    return Ask(sort=sort, limit=limit, after=after)


def shown(page: Page, ask: Ask) -> Mapping[str, Any]:
    """`{"items": […], "next_cursor": …}`."""
    cursor = None if page.ended_at is None else write_cursor(ask.sort, page.ended_at)
    return {"items": page.items, "next_cursor": cursor}


def write_cursor(sort: str, place: Place) -> str:
    """An opaque text, safe in a URL, that `ask_for` understands."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    written = msgspec.json.encode(_Written(sort, value, place.id))
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def _read(cursor: str, sort: str, sorts: Sorts) -> Place:
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        written = msgspec.json.decode(packed, type=_Written)
        if written.sort != sort or "\0" in written.value:
            raise Refusal("broken-cursor")
        return Place(_value(written.value, sorts[sort.removeprefix("-")]), written.id)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Refusal("broken-cursor") from error


def _value(text: str, column: Any) -> datetime | str:
    if not isinstance(column.type, DateTime):
        return text
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None or moment.utcoffset():
        raise ValueError("a cursor of ours is in UTC")
    return moment
