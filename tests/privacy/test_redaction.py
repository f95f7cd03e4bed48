"""RU5: what is taken out of texts and bodies, and what stays because deals and totals follow from it."""

import json
from uuid import uuid4

import pytest

from showup.sources.redaction import ERASED_TEXT, people_in, redact_body
from showup.values.email_address import match_key
from showup.values.redaction import Pseudonym, Redactor, make_pseudonym

EMAIL = "ann.meyer@acme.com"
REDACTOR = Redactor(
    Pseudonym(addresses={EMAIL: "erased-1f@acme.com"}, name="Erased 1f"), names=["Ann  Meyer"], phones=["+49 151"]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann.Meyer@ACME.com", "erased-1f@acme.com"),
        ("to <ann.meyer@acme.com>, and others", "to <erased-1f@acme.com>, and others"),
        ("?email=ann.meyer%40acme.com&name=Ann+Meyer", "?email=erased-1f%40acme.com&name=Erased 1f"),
        ("Intro with ANN  MEYER", "Intro with Erased 1f"),
        ("Hi Ann, call +49 151!", "Hi Erased, call !"),
        # Somebody else's address, a domain and a word are not her name.
        ("joann.meyer@acme.com", "joann.meyer@acme.com"),
        ("ann.meyer@acme.com.au", "ann.meyer@acme.com.au"),
        ("see https://meyer.com/Ann", "see https://meyer.com/Ann"),
        ("an annual plan of meyers", "an annual plan of meyers"),
        ("+49 1512", "+49 1512"),
    ],
)
def test_ru5_a_person_is_taken_out_of_a_text(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected


def test_ru5_a_pseudonym_keeps_the_company_and_the_mailbox() -> None:
    pseudonym = make_pseudonym(["ann@acme.com", "ann+x@acme.com", "ann@gmail.com"], "1f")
    addresses = pseudonym.addresses
    assert {one.rpartition("@")[2] for one in addresses.values()} == {"acme.com", "gmail.com"}
    assert match_key(addresses["ann@acme.com"]) == match_key(addresses["ann+x@acme.com"])
    assert len(set(addresses.values())) == 3


def test_ru5_a_body_keeps_what_deals_follow_from() -> None:
    payload = {
        "uid": "abc",
        "title": "Intro between Ann Meyer and Ann Host",
        "additionalNotes": "I am ill",
        "organizer": {"name": "Ann Host", "email": "ann@host.example"},
        "attendees": [
            {"email": EMAIL, "name": "Ann Meyer", "phoneNumber": "+49 151", "timeZone": "Europe/Berlin"},
            {"email": "max@acme.com", "name": "Max Power", "phoneNumber": "+49 999"},
        ],
        "responses": {
            "name": {"label": "name", "value": {"firstName": "Ann", "lastName": "Meyer"}},
            "email": {"label": "email", "value": EMAIL},
            "company": {"label": "Company", "value": "Acme"},
            "reason": {"label": "Why?", "value": "My back"},
        },
    }
    body = json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": payload}).encode()
    assert people_in(body, REDACTOR) == ({"Ann Meyer"}, {"+49 151"})
    redacted = json.loads(redact_body(body, REDACTOR, uuid4()) or b"")["payload"]
    assert redacted["title"] == "Intro between Erased 1f and Erased Host"
    assert redacted["organizer"] == payload["organizer"]
    assert redacted["attendees"][0] == {
        "email": "erased-1f@acme.com",
        "name": "Erased 1f",
        "phoneNumber": "",
        "timeZone": "Europe/Berlin",
    }
    assert redacted["attendees"][1] == payload["attendees"][1]  # type: ignore[index]  # a list
    assert redacted["additionalNotes"] == ERASED_TEXT
    answers = {slug: answer["value"] for slug, answer in redacted["responses"].items()}
    assert answers == {
        "name": {"firstName": "Erased", "lastName": "1f"},
        "email": "erased-1f@acme.com",
        "company": "Acme",
        "reason": "",
    }


@pytest.mark.parametrize("body", [b"ann.meyer@acme.com", b"[]", b'{"a":' * 5000, b"\xff\xfe"])
def test_ru5_a_body_that_is_no_object_goes_as_a_whole(body: bytes) -> None:
    assert redact_body(body, REDACTOR, uuid4()) is None
    assert people_in(body, REDACTOR) == (set(), set())
