"""IN5, IN7, R5: reading any body raises no error, and every translated value fits into the database."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showup.events.booking import booking_names
from showup.events.envelope import order_key
from showup.sources.calcom.translate import Translated, Unreadable, translate

ACCOUNT = UUID(int=1)

PAYLOADS = [
    json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parents[1] / "payloads").glob("*.json"))
]
EARLIEST, LATEST = datetime(1989, 12, 31, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
MAX_LENGTHS = {
    "uid": 255,
    "calcom_booking_id": 255,
    "email": 320,
    "phone": 70,
    "time_zone": 64,
    "name": 500,
    "url": 2_000,
}
MANY_EXAMPLES = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        ["\x00", "a\x00@b.co", "x" * 100_000, "0000-01-01", "9999-12-31T23:59:59-12:00", "a@" + "b." * 300 + "co"]
    ),
    st.sampled_from([2**63, -(2**63) - 1, 10**300, "10" * 200, "2026-W01-1", "2199-12-31T23:59:59-23:59"]),
)
values = st.recursive(
    odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def check_body(body: bytes) -> None:
    """Translates a body and checks every value of the result."""
    translation = translate(body)
    for texts in (translation.trigger, getattr(translation, "because", None)):
        assert texts is None or is_storable(texts, 500), translation
    if isinstance(translation, Translated):
        check_value("event", translation.event)
        check_value("uid", translation.uid)
        check_value("source_at", translation.source_at)
        for name in booking_names(translation.event, ACCOUNT):
            assert is_storable(name, 400)
        order_key(translation.source_at or EARLIEST, translation.event, b"digest")


def check_value(name: str, value: Any) -> None:
    """Checks every nested value, by the name of its field."""
    if isinstance(value, msgspec.Struct):
        for field, inner in msgspec.structs.asdict(value).items():
            check_value(field, inner)
    elif isinstance(value, dict):
        for slug, inner in value.items():
            assert is_storable(slug, 100)
            check_value("answer", inner)
    elif isinstance(value, list | tuple | frozenset):
        assert len(value) <= 1_000
        for inner in value:
            check_value(name, inner)
    else:
        assert is_valid(name, value), (name, str(value)[:80])


def is_valid(name: str, value: Any) -> bool:
    """Returns whether a column can store the value."""
    match value:
        case None | bool():
            return True
        case str():
            return is_storable(value, MAX_LENGTHS.get(name, 10_000))
        case int():
            limit = 2**31 if name == "ical_sequence" else 2**63
            return -limit <= value < limit
        case datetime():
            return value.tzinfo is UTC and EARLIEST < value < LATEST
        case _:
            return False


def is_storable(value: str, max_length: int) -> bool:
    """Returns whether PostgreSQL can store the text: no NUL, no lone surrogate, and not too long."""
    value.encode()
    return "\x00" not in value and len(value) <= max_length


def list_positions(value: Any) -> list[tuple[Any, Any]]:
    """Returns every field and item of a JSON value, as (container, key)."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [position for key in keys for position in ((value, key), *list_positions(value[key]))]


@MANY_EXAMPLES
@given(st.binary(max_size=300))
def test_raw_bytes(body: bytes) -> None:
    check_body(body)


@MANY_EXAMPLES
@given(values)
def test_any_json(value: Any) -> None:
    check_body(json.dumps(value).encode())


@MANY_EXAMPLES
@given(st.data())
def test_real_payloads_with_fields_dropped_replaced_and_swapped(data: st.DataObject) -> None:
    value = json.loads(json.dumps(data.draw(st.sampled_from(PAYLOADS))))
    for _ in range(data.draw(st.integers(1, 4))):
        positions = list_positions(value)
        if not positions:
            break
        container, key = data.draw(st.sampled_from(positions))
        match data.draw(st.sampled_from(["drop", "replace", "copy"])):
            case "drop":
                del container[key]
            case "replace":
                container[key] = data.draw(values)
            case _:
                other, other_key = data.draw(st.sampled_from(positions))
                container[key] = json.loads(json.dumps(other[other_key])) if other_key in other else None
    check_body(json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass"))


@MANY_EXAMPLES
@given(st.sampled_from(PAYLOADS), st.data())
def test_fields_twice_and_bodies_cut_short(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    again = json.dumps({"triggerEvent": data.draw(values), "payload": data.draw(values)})
    check_body((text[:-1] + "," + again[1:]).encode())
    check_body(text.encode()[: data.draw(st.integers(0, len(text)))])


def booking(**fields: str) -> bytes:
    """Returns a booking with raw JSON in some fields."""
    overridden = {"uid": '"u"', "startTime": '"2026-03-05T14:00:00Z"', "attendees": '[{"email":"a@b.co"}]', **fields}
    inner = ",".join(f'"{name}":{raw}' for name, raw in overridden.items())
    return f'{{"triggerEvent":"BOOKING_CREATED","payload":{{{inner}}}}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xff\xfe{}",
        b"NaN",
        b"1e999",
        b'"' + b"x" * 2**21 + b'"',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"payload":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"body":"' + b"\\\\" * 500 + b'"}',
        b'{"body":"\\ud800"}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":[1,2,3]}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"\\ud800"}}',
        b'{"triggerEvent":["BOOKING_CREATED"]}',
        booking(startTime='"0000-01-01T00:00:00Z"'),
        booking(startTime='"9999-12-31T23:59:59-12:00"'),
        booking(startTime='"0001-01-01T00:00:00+14:00"'),
        booking(startTime="9" * 400),
        booking(uid='"\\ud83d"'),
    ],
)
def test_meaningless_bodies(body: bytes) -> None:
    check_body(body)
    assert isinstance(translate(body), Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        booking(notes='"' + "x" * 2**21 + '"', additionalNotes='"' + "y" * 2**21 + '"'),
        booking(uid='"u"', uid2='"' + "x" * 100_000 + '"', title='"a\\u0000b"'),
        booking(bookingId="9" * 400, price="9" * 400, iCalSequence=str(2**40), seatsPerTimeSlot="1e300"),
        booking(attendees='[{"email":"a@b.co","name":"' + "n" * 100_000 + '","phoneNumber":"' + "1" * 100_000 + '"}]'),
        booking(attendees="[" + ",".join(f'{{"email":"p{one}@b.co"}}' for one in range(5_000)) + "]"),
        booking(attendees='{"email":"a@b.co"}', organizer="[]", responses="[]", team='"x"', metadata="7"),
        booking(responses="{" + ",".join(f'"slug{one}":"x"' for one in range(5_000)) + "}"),
        booking(uid='"first"', currency='"\\u00df\\u00df\\u00df"'),
    ],
)
def test_partially_valid_bodies_are_translated(body: bytes) -> None:
    check_body(body)
    assert isinstance(translate(body), Translated)


@pytest.mark.parametrize("depth", [10, 100, 300, 480, 600, 900])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"value":', "}"), ('[{"value":', "}]")])
def test_answers_nested_without_end(depth: int, opens: str, closes: str) -> None:
    deep = opens * depth + "1" + closes * depth
    for field in ("responses", "attendees", "startTime", "webhook", "references", "downloadLinks"):
        check_body(booking(**{field: deep}))
        check_body(booking(**{field: f'{{"a":{deep}}}'}))
        check_body(booking(**{field: f'[{{"email":"a@b.co","name":{deep},"type":{deep}}}]'}))
