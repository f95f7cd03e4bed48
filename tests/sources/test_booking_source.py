"""CA10: where a booking came from is read wherever Cal.com puts it, in the documented order."""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from showup.bookings.booking import BookingSource
from showup.sources.calcom.booking_details.source import REFERRER_PLACES, UTM_PLACES
from tests.sources.test_field_places import API, DOCUMENT, NEEDED, read, read_api, with_value

WRITTEN = {"utm_source": "Newsletter ", "utm_medium": "email", "utm_campaign": "Spring"}
FOUND = BookingSource(name="newsletter", kind="utm", medium="email", campaign="Spring")


def source_of(fields: Mapping[str, Any]) -> BookingSource | None:
    return read({**NEEDED, **fields}).source


def at(place: str, value: Any) -> dict[str, Any]:
    return with_value({}, place, value)


def as_answers(values: Mapping[str, str]) -> dict[str, Any]:
    return {slug: {"label": slug, "value": value, "isHidden": True} for slug, value in values.items()}


def test_the_documented_places_are_the_readers_places() -> None:
    section = DOCUMENT.read_text().partition("## Where a booking came from")[2]
    rows = dict(re.findall(r"^\| (UTM parameters|referrer) \| (.+?) \|$", section, re.MULTILINE))
    assert tuple(re.findall(r"`([^`]+)`", rows["UTM parameters"])) == UTM_PLACES
    assert tuple(re.findall(r"`([^`]+)`", rows["referrer"])) == REFERRER_PLACES


@pytest.mark.parametrize("place", UTM_PLACES)
def test_utm_parameters_are_read_at_each_place(place: str) -> None:
    assert source_of(at(place, WRITTEN)) == FOUND
    assert source_of(at(place, as_answers(WRITTEN))) == FOUND


@pytest.mark.parametrize(("first", "second"), list(pairwise(UTM_PLACES)))
def test_the_first_place_counts(first: str, second: str) -> None:
    both = with_value(at(second, {"utm_source": "later"}), first, {"utm_source": "first"})
    if "." in second:
        both = with_value(at(first, {"utm_source": "first"}), second, {"utm_source": "later"})
    assert source_of(both) == BookingSource(name="first", kind="utm")


@pytest.mark.parametrize("name", ["utm_source", "utm-source", "utmSource", "UTM Source", "utm.source"])
def test_a_parameter_has_many_spellings(name: str) -> None:
    assert source_of(at("metadata", {name: "Google"})) == BookingSource(name="google", kind="utm")


def test_routing_forms_name_their_questions_inside_of_the_answer() -> None:
    forms = {
        "6f1c": {"label": "UTM Source", "value": "deprecated", "response": [{"label": "LinkedIn", "id": "x"}]},
        "77aa": {"label": "Anything", "identifier": "utm_medium", "response": "cpc"},
    }
    expected = BookingSource(name="linkedin", kind="utm", medium="cpc")
    assert source_of({"routingFormResponses": forms}) == expected
    assert source_of({"routedFromRoutingFormReponse": {"response": forms}}) == expected


@pytest.mark.parametrize("place", REFERRER_PLACES)
def test_a_referrer_is_a_host_or_a_name(place: str) -> None:
    address = "https://www.Example.com/post?x=1"
    assert source_of(at(place, address)) == BookingSource(name="example.com", kind="referrer", referrer=address)
    assert source_of(at(place, "Partner  A")) == BookingSource(name="partner a", kind="referrer", referrer="Partner  A")


@pytest.mark.parametrize(
    ("slug", "label"),
    [
        ("how-did-you-hear-about-us", None),
        ("q1", "How did you hear about us?"),
        ("q1", "How did you find out about us"),
        ("q1", "Wie haben Sie von uns gehört?"),
        ("q1", "Comment avez-vous entendu parler de nous ?"),
    ],
)
def test_the_booker_may_answer_it(slug: str, label: str | None) -> None:
    answer = {"label": label or slug, "value": "A podcast"}
    assert source_of({"responses": {slug: answer}}) == BookingSource(name="a podcast", kind="answer")


def test_parameters_come_before_referrers_before_answers() -> None:
    everything = {
        "metadata": {"utm_source": "ads", "referrer": "https://news.example"},
        "responses": {"how-did-you-hear-about-us": {"value": "A friend"}},
    }
    assert source_of(everything) == BookingSource(name="ads", kind="utm", referrer="https://news.example")


def test_other_questions_and_fields_say_nothing() -> None:
    assert source_of({"responses": {"company-size": {"value": "10"}, "resources": {"value": "many"}}}) is None
    assert source_of({"metadata": {"source": "", "utm_source": None, "medium": "x"}}) is None
    assert source_of({"creationSource": "webapp", "tracking": "text", "metadata": []}) is None


@pytest.mark.parametrize("referrer", ["https://[", "http://", "https://a b", "x" * 5_000])
def test_hostile_referrers_are_text(referrer: str) -> None:
    found = source_of({"referrer": referrer})
    assert found is not None
    assert len(found.name) <= 200


@pytest.mark.parametrize("version", API)
def test_the_api_reports_what_the_metadata_says(version: str) -> None:
    body = {**API[version], "metadata": {**API[version].get("metadata", {}), "utm_source": "Ads"}}
    assert read_api(version, body).source == BookingSource(name="ads", kind="utm")
    assert json.dumps(API[version])
