"""Reads where a booking came from: UTM parameters, a referrer, or the booker's own answer (CA10).

Cal.com puts UTM parameters in several places, depending on how the booking page was opened: the column `tracking`,
metadata of the link (`?metadata[utm_source]=`), hidden questions that the link prefills, and the answers of the routing
form that led to the page. docs/CALCOM.md shows the places, and a test compares the two.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from showup.bookings.booking import BookingSource
from showup.sources.calcom.booking_details.answers import Answers
from showup.sources.calcom.booking_details.places import values_at
from showup.sources.calcom.booking_details.question_topics import SOURCE
from showup.sources.calcom.payload import Json, mapping, objects, read_answer, text, url

UTM_PLACES: Final = (
    "tracking",
    "metadata",
    "metadata.tracking",
    "metadata.utm",
    "responses",
    "bookingFieldsResponses",
    "userFieldsResponses",
    "routingFormResponses",
    "routedFromRoutingFormReponse.response",
    "metadata.routingFormResponses",
)
"""Where UTM parameters are, in order; `utm_source`, `utm-source` and `utmSource` are the same name."""

REFERRER_PLACES: Final = ("tracking.referrer", "metadata.referrer", "metadata.referer", "metadata.source", "referrer")
"""Where a referrer is, in order: an address, whose host counts, or a name."""

_REFERRER_SLUGS: Final = ("referrer", "referer", "ref", "source")
_UTM: Final = ("source", "medium", "campaign", "term", "content")
_LENGTH: Final = 200
_MOST_ITEMS: Final = 100
_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]")


def read_source(fields: Json, answers: Answers) -> BookingSource | None:
    """Returns where the booking came from; None where the body doesn't say."""
    utm = _read_utm(fields)
    referrer = _read_referrer(fields, answers)
    name = utm.get("source") or utm.get("medium") or utm.get("campaign")
    if name is not None:
        others = {part: utm.get(part) for part in _UTM[1:]}
        return BookingSource(name=_name(name), kind="utm", referrer=referrer, **others)
    if referrer is not None:
        return BookingSource(name=_name(_host(referrer) or referrer), kind="referrer", referrer=referrer)
    answered = next((text(one.text, _LENGTH) for one in answers.values() if one.is_about(SOURCE)), None)
    return None if answered is None else BookingSource(name=_name(answered), kind="answer")


def _read_utm(fields: Json) -> Mapping[str, str]:
    """Returns the parameters without `utm_`: of several places, the first that has a parameter counts for it."""
    found: dict[str, str] = {}
    for place, value in zip(UTM_PLACES, values_at(fields, UTM_PLACES), strict=True):
        for label, raw in _items(value):
            key = _NOT_A_LETTER.sub("", label.lower())
            part = key.removeprefix("utm")
            is_utm = part in _UTM and (part != key or place == "metadata.utm")
            answered = text(read_answer(raw), _LENGTH) if is_utm else None
            if answered is not None:
                found.setdefault(part, answered)
    return found


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields the names and values of an object; an answer of a routing form has its name inside, beside an id."""
    for key, raw in list(mapping(value).items())[:_MOST_ITEMS]:
        item = mapping(raw)
        yield str(key)[:_LENGTH], _routing_answer(item) if "response" in item else raw
        for name in (text(item.get("identifier"), _LENGTH), text(item.get("label"), _LENGTH)):
            if name is not None:
                yield name, _routing_answer(item)


def _routing_answer(item: Json) -> Any:
    """Returns the answer to a question of a routing form: chosen options are objects with a label."""
    answer = item.get("response", item.get("value"))
    return [option.get("label") for option in objects(answer)] if objects(answer) else answer


def _read_referrer(fields: Json, answers: Answers) -> str | None:
    places = (text(value, _LENGTH) for value in values_at(fields, REFERRER_PLACES))
    asked = (text(answers[slug].text, _LENGTH) for slug in _REFERRER_SLUGS if slug in answers)
    return next((found for found in (*places, *asked) if found is not None), None)


def _host(referrer: str) -> str | None:
    """Returns the host of an address without `www.`; None for anything else."""
    address = url(referrer)
    try:
        host = None if address is None else urlsplit(address).hostname
    except ValueError:
        return None
    return None if host is None else host.removeprefix("www.")


def _name(value: str) -> str:
    """Returns one spelling for a source: sources are grouped by it."""
    return " ".join(value.casefold().split())[:_LENGTH]
