"""TE7: signatures, with Slack's own example, and the translation of any body."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from showup.events.delivery import RecordChosen
from showup.sources.slack.signature import SIGNATURE_TOLERANCE, is_signed
from showup.sources.slack.translate import ButtonPress, UnreadableInteraction, translate

# "Verifying requests from Slack", in Slack's documentation.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
THEN = datetime.fromtimestamp(int(STAMP), UTC)
DELIVERY = UUID("0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01")


def test_slacks_own_example_is_signed() -> None:
    assert is_signed(BODY, STAMP, SIGNATURE, SECRET, THEN)


@pytest.mark.parametrize("late", [SIGNATURE_TOLERANCE, -SIGNATURE_TOLERANCE])
def test_a_signature_is_valid_within_five_minutes(late: timedelta) -> None:
    assert is_signed(BODY, STAMP, SIGNATURE, SECRET, THEN + late)
    beyond = timedelta(seconds=1) if late > timedelta() else -timedelta(seconds=1)
    assert not is_signed(BODY, STAMP, SIGNATURE, SECRET, THEN + late + beyond)


@pytest.mark.parametrize(
    ("body", "stamp", "signature", "secret"),
    [
        (BODY + b" ", STAMP, SIGNATURE, SECRET),
        (BODY, "1531420619", SIGNATURE, SECRET),
        (BODY, f" {STAMP}", SIGNATURE, SECRET),
        (BODY, STAMP, SIGNATURE.upper(), SECRET),
        (BODY, STAMP, SIGNATURE.removeprefix("v0="), SECRET),
        (BODY, STAMP, "", SECRET),
        (BODY, STAMP, SIGNATURE, ""),
        (BODY, STAMP, SIGNATURE, "other"),
    ],
)
def test_any_other_signature_is_rejected(body: bytes, stamp: str, signature: str, secret: str) -> None:
    assert not is_signed(body, stamp, signature, secret, THEN)


def interaction(action: dict[str, Any], **user: Any) -> bytes:
    payload = {"type": "block_actions", "user": {"id": "U0ANN"} | user, "actions": [action]}
    return urlencode({"payload": json.dumps(payload)}).encode()


ACTION = {"action_id": "choose_record:0", "action_ts": "1531420618.123456", "value": f"{DELIVERY} a record"}


def test_a_press_names_the_delivery_the_record_and_who_pressed() -> None:
    assert translate(interaction(ACTION, username="ann\nlee")) == (
        ButtonPress(
            id="slack:1531420618.123456:U0ANN:choose_record:0",
            actor="slack:U0ANN (ann lee)",
            event=RecordChosen(delivery_id=DELIVERY, record="a record"),
        ),
    )


def test_a_button_without_a_record_chooses_none() -> None:
    (press,) = translate(interaction(ACTION | {"value": str(DELIVERY)}))  # type: ignore[misc] # presses
    assert (press.event.record, press.actor) == (None, "slack:U0ANN")


@pytest.mark.parametrize(
    "wrong", [{"action_id": "other:0"}, {"action_ts": "now"}, {"action_ts": None}, {"value": "x"}, {"value": 1}]
)
def test_other_buttons_are_ignored(wrong: dict[str, Any]) -> None:
    assert translate(interaction(ACTION | wrong)) == ()


@pytest.mark.parametrize("member", [None, "", "U0 ANN", "../U0ANN", "u0ann", "U" * 40])
def test_an_invalid_member_is_unreadable(member: Any) -> None:
    assert isinstance(translate(interaction(ACTION, id=member)), UnreadableInteraction)


anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["type", "user", "actions", "id", "value", "action_id"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(some.binary(max_size=200) | anything.map(lambda payload: urlencode({"payload": json.dumps(payload)}).encode()))
def test_translate_never_raises(body: bytes) -> None:
    assert isinstance(translate(body), (tuple, UnreadableInteraction))
