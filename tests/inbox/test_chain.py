"""RU5: each link of the hash chain depends on all its inputs and reveals none of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from showup.inbox.chain import (
    ChainHead,
    ReceivedEvent,
    build_links,
    compute_commitment,
    compute_link,
    genesis_link,
    parse_head,
)

OURS, THEIRS = UUID(int=1), UUID(int=2)
SALT = bytes(range(16))
AT = datetime(2026, 3, 10, 9, 15, tzinfo=UTC)
EVENT = ReceivedEvent(
    event_id=UUID(int=7),
    account_id=UUID(int=3),
    source="calcom",
    origin="webhook",
    received_at=AT,
    digest=b"d" * 32,
    content_type="application/json",
    webhook_version=None,
    source_address="192.0.2.17",
)
CHANGED_FIELDS = {
    "event_id": UUID(int=8),
    "account_id": None,
    "source": "manual",
    "origin": "manual",
    "received_at": AT + timedelta(microseconds=1),
    "digest": b"e" * 32,
    "content_type": None,
    "webhook_version": "",
    "source_address": "192.0.2.18",
    "order_digest": b"o" * 32,
}


@pytest.mark.parametrize("field", CHANGED_FIELDS)
def test_a_commitment_binds_to_every_field(field: str) -> None:
    changed = msgspec.structs.replace(EVENT, **{field: CHANGED_FIELDS[field]})
    assert compute_commitment(SALT, changed) != compute_commitment(SALT, EVENT)


def test_every_field_is_covered() -> None:
    assert set(CHANGED_FIELDS) == set(EVENT.__struct_fields__)


def test_field_boundaries_are_part_of_the_commitment() -> None:
    joined = msgspec.structs.replace(EVENT, content_type="application/json2021", webhook_version="")
    apart = msgspec.structs.replace(EVENT, content_type="application/json", webhook_version="2021")
    assert compute_commitment(SALT, joined) != compute_commitment(SALT, apart)


def test_the_commitment_depends_on_the_salt() -> None:
    assert compute_commitment(b"\0" * 16, EVENT) != compute_commitment(SALT, EVENT)


def test_a_link_binds_to_previous_number_event_and_commitment() -> None:
    original = compute_link(b"p" * 32, 5, OURS, b"c" * 32)
    changed_links = [
        compute_link(b"q" * 32, 5, OURS, b"c" * 32),
        compute_link(b"p" * 32, 6, OURS, b"c" * 32),
        compute_link(b"p" * 32, 5, THEIRS, b"c" * 32),
        compute_link(b"p" * 32, 5, OURS, b"d" * 32),
    ]
    assert len({original, *changed_links}) == 5


def test_chains_of_workspaces_differ() -> None:
    assert genesis_link(OURS) != genesis_link(THEIRS)


def test_links_can_be_built_in_steps() -> None:
    numbered = [(number, msgspec.structs.replace(EVENT, event_id=UUID(int=number))) for number in (4, 5, 9)]
    salts = bytes(48)
    once = build_links(genesis_link(OURS), numbered, salts)
    twice = build_links(genesis_link(OURS), numbered[:1], salts)
    twice += build_links(twice[-1].link, numbered[1:], salts)
    assert twice == once


def test_a_head_round_trips_as_text() -> None:
    head = ChainHead(4711, b"h" * 32)
    assert parse_head(f" {head}\n") == head


@pytest.mark.parametrize("text", ["", "12", "12:", "12:ab", "x:" + "ab" * 32, "12:" + "zz" * 32])
def test_an_invalid_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_head(text)
