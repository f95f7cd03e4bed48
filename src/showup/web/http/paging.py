"""Pages of a list: opaque cursors and the supported sort orders."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Numeric

from showup.reads.keyset import PageCursor, PageRequest, ResultPage, Sorts
from showup.web.http.problems import Refusal

_LARGEST_AMOUNT: Final = 10**12
_LARGEST_NUMBER: Final = 2**63


class _EncodedCursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: str
    id: UUID | int
    workspace_id: UUID | None = None


def build_page_request(
    *, sort: str, limit: int, cursor: str | None, sorts: Sorts, id_type: type[UUID] | type[int] = UUID
) -> PageRequest:
    """Return the requested page. Refuses a cursor that is invalid or belongs to another `sort`."""
    after = None if cursor is None else _decode_cursor(cursor, sort, sorts, id_type)
    return PageRequest(sort=sort, limit=limit, cursor=after)


def page_response(page: ResultPage, page_request: PageRequest) -> Mapping[str, Any]:
    """Return `{"items": […], "next_cursor": …}`."""
    cursor = None if page.next_cursor is None else encode_cursor(page_request.sort, page.next_cursor)
    return {"items": page.items, "next_cursor": cursor}


def encode_cursor(sort: str, page_cursor: PageCursor) -> str:
    """Return an opaque, URL-safe cursor that `build_page_request` accepts."""
    value = page_cursor.value.isoformat() if isinstance(page_cursor.value, datetime) else str(page_cursor.value)
    encoded = msgspec.json.encode(_EncodedCursor(sort, value, page_cursor.id, page_cursor.workspace_id))
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


def _decode_cursor(cursor: str, sort: str, sorts: Sorts, id_type: type[UUID] | type[int]) -> PageCursor:
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        encoded = msgspec.json.decode(packed, type=_EncodedCursor)
        if encoded.sort != sort or "\0" in encoded.value or type(encoded.id) is not id_type:
            raise Refusal("broken-cursor")
        # Numbers are unique in a workspace only.
        if isinstance(encoded.id, int) and (encoded.workspace_id is None or not 0 <= encoded.id < _LARGEST_NUMBER):
            raise Refusal("broken-cursor")
        value = _decode_value(encoded.value, sorts[sort.removeprefix("-")])
        return PageCursor(value, encoded.id, encoded.workspace_id)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Refusal("broken-cursor") from error


def _decode_value(text: str, column: Any) -> datetime | Decimal | str:
    if isinstance(column.type, Numeric):
        return _decode_amount(text)
    if not isinstance(column.type, DateTime):
        return text
    time = datetime.fromisoformat(text)
    if time.utcoffset() is None or time.utcoffset():
        raise ValueError("the time in a cursor is in UTC")
    return time


def _decode_amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("the amount in a cursor is a number") from error
    if not amount.is_finite() or abs(amount) >= _LARGEST_AMOUNT:
        raise ValueError("the amount in a cursor is one that a deal may have")
    return amount
