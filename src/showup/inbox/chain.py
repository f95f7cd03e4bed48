"""The hash chain that proves the log: each processed event is linked to the one before it.

Changing, removing, adding or moving a row breaks a link. A link contains only a salted digest of the received event,
the commitment. Once body, digest and salt are erased, the body can't be guessed from it, and the chain remains valid.
An event whose body was redacted is linked once more, as it is then: its earlier links have no salt.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

SALT_BYTES: Final = 16
_ABSENT: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class ReceivedEvent(Struct, frozen=True, kw_only=True):
    """The received event as its commitment covers it. `account_id` is None for manual events.

    `order_digest` is None unless the body was redacted.
    """

    event_id: UUID
    account_id: UUID | None
    source: str
    origin: str
    received_at: datetime
    digest: bytes
    content_type: str | None
    webhook_version: str | None
    source_address: str | None
    order_digest: bytes | None = None


class ChainLink(Struct, frozen=True, kw_only=True):
    """One link of a workspace's chain, at the event's number in the feed; `salt` is None once it is erased."""

    number: int
    event_id: UUID
    salt: bytes | None
    commitment: bytes
    link: bytes


class ChainHead(Struct, frozen=True):
    """The newest link of a chain; record it where people with access to the database can't change it."""

    number: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.link.hex()}"


def parse_head(text: str) -> ChainHead:
    """Parses a recorded head, `NUMBER:HEX`; raises ValueError."""
    number, _, link = text.strip().partition(":")
    head = ChainHead(int(number), bytes.fromhex(link))
    if len(head.link) != hashlib.sha256().digest_size:
        raise ValueError(f"a head must have {2 * hashlib.sha256().digest_size} hexadecimal digits after the colon")
    return head


def genesis_link(workspace_id: UUID) -> bytes:
    """Returns the value before the workspace's first link, so that no chain passes for another workspace's."""
    return hashlib.sha256(b"showup chain of " + workspace_id.bytes).digest()


def compute_commitment(salt: bytes, received: ReceivedEvent) -> bytes:
    """Returns a commitment to the received event that does not reveal its content.

    Each field is prefixed with its length; an absent field has another length than an empty one.
    """
    account_id = received.account_id
    fields = (
        salt,
        received.event_id.bytes,
        received.digest,
        None if account_id is None else account_id.bytes,
        received.source.encode(),
        received.origin.encode(),
        ((received.received_at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True),
        _encode(received.content_type),
        _encode(received.webhook_version),
        _encode(received.source_address),
        *(() if received.order_digest is None else (received.order_digest,)),
    )
    return hashlib.sha256(
        b"".join(_ABSENT if field is None else len(field).to_bytes(4, "big") + field for field in fields)
    ).digest()


def compute_link(previous: bytes, number: int, event_id: UUID, commitment: bytes) -> bytes:
    """Returns the link that follows `previous`; each part has a fixed length, so the parts can't be confused."""
    return hashlib.sha256(previous + number.to_bytes(8, "big") + event_id.bytes + commitment).digest()


def build_links(previous: bytes, received: Iterable[tuple[int, ReceivedEvent]], salts: bytes) -> list[ChainLink]:
    """Returns numbered links for these events, behind `previous`; `salts` has SALT_BYTES random bytes for each."""
    links: list[ChainLink] = []
    for index, (number, event) in enumerate(received):
        salt = salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]
        commitment = compute_commitment(salt, event)
        previous = compute_link(previous, number, event.event_id, commitment)
        links.append(ChainLink(number=number, event_id=event.event_id, salt=salt, commitment=commitment, link=previous))
    return links


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
