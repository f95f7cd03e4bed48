"""The chain that proves the log: every settlement is linked to the one before it, by what reached us.

Whoever changes, removes, adds or moves a row breaks a link. Of what reached us a link holds a salted digest only, the
commitment: once body, digest and salt are erased nobody can guess the body from it, and the chain still holds.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

SALT_BYTES: Final = 16
_NOTHING: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Received(Struct, frozen=True, kw_only=True):
    """What reached us, as a commitment holds it. `account_id` is None for what people did themselves."""

    event_id: UUID
    account_id: UUID | None
    origin: str
    received_at: datetime
    digest: bytes
    content_type: str | None
    webhook_version: str | None
    source_address: str | None


class Linked(Struct, frozen=True, kw_only=True):
    """One link of a workspace's chain, at the event's number in the feed; `salt` is None once it is erased."""

    number: int
    event_id: UUID
    salt: bytes | None
    commitment: bytes
    link: bytes


class Head(Struct, frozen=True):
    """The newest link of a chain, to be noted where nobody who can change the database can change it."""

    number: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.link.hex()}"


def head_of(text: str) -> Head:
    """A head as it was noted, `NUMBER:HEX`; raises ValueError."""
    number, _, link = text.strip().partition(":")
    head = Head(int(number), bytes.fromhex(link))
    if len(head.link) != hashlib.sha256().digest_size:
        raise ValueError(f"a head has {hashlib.sha256().digest_size} bytes of hexadecimal digits behind the colon")
    return head


def first_link(workspace_id: UUID) -> bytes:
    """What stands before the first link of a workspace, so that no chain passes for another's."""
    return hashlib.sha256(b"showup chain of " + workspace_id.bytes).digest()


def commitment(salt: bytes, received: Received) -> bytes:
    """Binds to what reached us without telling it.

    Each field has its length before it, and one that is absent another length than an empty one.
    """
    account = received.account_id
    fields = (
        salt,
        received.event_id.bytes,
        received.digest,
        None if account is None else account.bytes,
        received.origin.encode(),
        ((received.received_at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True),
        _encoded(received.content_type),
        _encoded(received.webhook_version),
        _encoded(received.source_address),
    )
    return hashlib.sha256(
        b"".join(_NOTHING if field is None else len(field).to_bytes(4, "big") + field for field in fields)
    ).digest()


def link(previous: bytes, number: int, event_id: UUID, committed: bytes) -> bytes:
    """The link that follows `previous`; every part of it has one length, so none can flow into the next."""
    return hashlib.sha256(previous + number.to_bytes(8, "big") + event_id.bytes + committed).digest()


def extend(previous: bytes, received: Iterable[tuple[int, Received]], salts: bytes) -> list[Linked]:
    """The links of these, numbered, behind `previous`; `salts` has SALT_BYTES random bytes for each."""
    made: list[Linked] = []
    for place, (number, one) in enumerate(received):
        salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        committed = commitment(salt, one)
        previous = link(previous, number, one.event_id, committed)
        made.append(Linked(number=number, event_id=one.event_id, salt=salt, commitment=committed, link=previous))
    return made


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
