"""RU5: the links of the chain bind to what they are made of, and tell nothing of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from showup.inbox.chain import Head, Received, commitment, extend, first_link, head_of, link

OURS, THEIRS = UUID(int=1), UUID(int=2)
SALT = bytes(range(16))
AT = datetime(2026, 3, 10, 9, 15, tzinfo=UTC)
ONE = Received(
    event_id=UUID(int=7),
    account_id=UUID(int=3),
    origin="webhook",
    received_at=AT,
    digest=b"d" * 32,
    content_type="application/json",
    webhook_version=None,
    source_address="192.0.2.17",
)
OTHERS = {
    "event_id": UUID(int=8),
    "account_id": None,
    "origin": "hand",
    "received_at": AT + timedelta(microseconds=1),
    "digest": b"e" * 32,
    "content_type": None,
    "webhook_version": "",
    "source_address": "192.0.2.18",
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_commitment_binds_to_every_field(field: str) -> None:
    other = msgspec.structs.replace(ONE, **{field: OTHERS[field]})
    assert commitment(SALT, other) != commitment(SALT, ONE)


def test_every_field_is_tried_above() -> None:
    assert set(OTHERS) == set(ONE.__struct_fields__)


def test_what_flows_from_one_field_into_the_next_is_another_commitment() -> None:
    joined = msgspec.structs.replace(ONE, content_type="application/json2021", webhook_version="")
    apart = msgspec.structs.replace(ONE, content_type="application/json", webhook_version="2021")
    assert commitment(SALT, joined) != commitment(SALT, apart)


def test_without_its_salt_nobody_can_guess_what_was_committed_to() -> None:
    assert commitment(b"\0" * 16, ONE) != commitment(SALT, ONE)


def test_a_link_binds_to_what_stands_before_it_its_number_its_event_and_its_commitment() -> None:
    one = link(b"p" * 32, 5, OURS, b"c" * 32)
    others = [
        link(b"q" * 32, 5, OURS, b"c" * 32),
        link(b"p" * 32, 6, OURS, b"c" * 32),
        link(b"p" * 32, 5, THEIRS, b"c" * 32),
        link(b"p" * 32, 5, OURS, b"d" * 32),
    ]
    assert len({one, *others}) == 5


def test_no_chain_passes_for_that_of_another_workspace() -> None:
    assert first_link(OURS) != first_link(THEIRS)


def test_a_chain_that_is_extended_twice_is_the_one_that_is_extended_once() -> None:
    numbered = [(number, msgspec.structs.replace(ONE, event_id=UUID(int=number))) for number in (4, 5, 9)]
    salts = bytes(48)
    once = extend(first_link(OURS), numbered, salts)
    twice = extend(first_link(OURS), numbered[:1], salts)
    twice += extend(twice[-1].link, numbered[1:], salts)
    assert twice == once


def test_a_head_is_read_as_it_was_noted() -> None:
    head = Head(4711, b"h" * 32)
    assert head_of(f" {head}\n") == head


@pytest.mark.parametrize("text", ["", "12", "12:", "12:ab", "x:" + "ab" * 32, "12:" + "zz" * 32])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        head_of(text)
