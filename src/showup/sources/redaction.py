"""Takes one person out of a stored body: what it says about the booking stays, so a replay gives the same result. Pure.

A text that somebody wrote may say anything. So the answers, notes and reasons of the person's bookings go as a
whole, those that teammates wrote too; only the company that they named stays, because deals follow from it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from showup.sources.calcom.booking_details.question_topics import COMPANY
from showup.values.redaction import FIRST_NAME, Redactor

REDACTED: Final = "showup_redacted"
"""The field of a redacted body that names its event."""

ERASED_TEXT: Final = "[erased]"

# Whose texts are not the person's: a host may share a first name with them.
_HOSTS: Final = frozenset(("organizer", "user", "users", "hosts", "team", "eventtype", "type", "eventtypetitle"))
_FULL_NAMES: Final = frozenset(("name", "displayname", "fullname", "full_name", "bookername"))
_FIRST_NAMES: Final = frozenset(("firstname", "first_name"))
_LAST_NAMES: Final = frozenset(("lastname", "last_name"))
_PHONES: Final = frozenset(
    ("phone", "phonenumber", "phone_number", "smsremindernumber", "attendeephonenumber", "mobile")
)
_FREE_TEXTS: Final = frozenset(
    (
        *("additionalnotes", "notes", "next_step", "description", "lost_reason"),
        *("cancellationreason", "rejectionreason", "reschedulereason", "reason"),
    )
)
_ANSWERS: Final = frozenset(("responses", "custominputs", "bookingfieldsresponses", "userfieldsresponses"))
_KEPT_ANSWERS: Final = frozenset(("name", "email", "guests", "location", "title"))


def people_in(body: bytes, redactor: Redactor) -> tuple[set[str], set[str]]:
    """Returns the names and phone numbers that the body has beside the person's addresses."""
    names, phones = set[str](), set[str]()
    try:
        own = list(_own_fields(_parse(body), redactor))
    except RecursionError:
        return names, phones
    for fields in own:
        keys = {key.lower(): _value(item) for key, item in fields.items()}
        first = next((keys[key] for key in keys if key in _FIRST_NAMES), None)
        last = next((keys[key] for key in keys if key in _LAST_NAMES), None)
        parts = [one for one in (first, last) if isinstance(one, str)]
        names.update(_name_texts(value) for key, value in keys.items() if key in _FULL_NAMES)
        names.add(" ".join(parts))
        phones.update(value for key, value in keys.items() if key in _PHONES and isinstance(value, str))
    return {one for one in names if one}, {one for one in phones if one}


def redact_body(body: bytes, redactor: Redactor, event_id: UUID, *, is_theirs: bool = False) -> bytes | None:
    """Returns the body without the person; None if it can't be read, and must go as a whole.

    `is_theirs`: it is about a booking of theirs, even if it doesn't name them.
    It names its event, because two bodies that only differed in the person would otherwise be the same.
    """
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        return None
    try:
        is_theirs = is_theirs or any(True for _ in _own_fields(parsed, redactor))
        redacted = _redact(parsed, redactor, is_theirs=is_theirs, words=True)
        return json.dumps(redacted | {REDACTED: str(event_id)}).encode()
    except RecursionError:
        return None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _own_fields(value: Any, redactor: Redactor) -> Iterator[dict[str, Any]]:
    """Yields each object that has one of the person's addresses as its email."""
    if isinstance(value, dict):
        if _is_own(value, redactor):
            yield value
        for item in value.values():
            yield from _own_fields(item, redactor)
    elif isinstance(value, list):
        for item in value:
            yield from _own_fields(item, redactor)


def _is_own(fields: Mapping[str, Any], redactor: Redactor) -> bool:
    email = _value(fields.get("email"))
    return isinstance(email, str) and redactor.replacement_of(email) is not None


def _value(item: Any) -> Any:
    """Returns the value of a field; an answer of a form is an object with its label and its value."""
    return item["value"] if isinstance(item, dict) and "value" in item else item


def _name_texts(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(value[key]) for key in value if key.lower() in (*_FIRST_NAMES, *_LAST_NAMES) and value[key])
    return value if isinstance(value, str) else ""


def _redact(value: Any, redactor: Redactor, *, is_theirs: bool, words: bool) -> Any:
    if isinstance(value, list):
        return [_redact(item, redactor, is_theirs=is_theirs, words=words) for item in value]
    if not isinstance(value, dict):
        return redactor.json(value, words=words)
    redacted: dict[str, Any] = {}
    is_own = _is_own(value, redactor)
    # Another attendee's number stays.
    is_theirs = is_theirs and (is_own or "email" not in value)
    for key, item in value.items():
        redacted[redactor.text(key, words=False)] = _field(key.lower(), item, redactor, (is_own, is_theirs, words))
    return redacted


def _field(key: str, item: Any, redactor: Redactor, about: tuple[bool, bool, bool]) -> Any:
    is_own, is_theirs, words = about
    if is_own and (named := _named(key, item, redactor)) is not None:
        return named
    if (is_own and key in _PHONES) or (is_theirs and key in _PHONES and not isinstance(item, dict | list)):
        return _emptied(item)
    if is_theirs and key in _FREE_TEXTS and not isinstance(item, dict | list):
        # An empty text would say something else: that there is no next step any more.
        return ERASED_TEXT if item else item
    if is_theirs and key in _ANSWERS:
        # Cal.com's API has the answers in its metadata as JSON text.
        parsed = _parse(item.encode()) if isinstance(item, str) else item
        answers = _answers(parsed, redactor) if isinstance(parsed, dict | list) else _emptied(item)
        return json.dumps(answers) if isinstance(item, str) and answers else answers
    return _redact(item, redactor, is_theirs=is_theirs, words=words and key not in _HOSTS)


def _named(key: str, item: Any, redactor: Redactor) -> Any:
    """Returns the field of a name with the pseudonym in the same form; None if it is another field, or empty."""
    pseudonym = redactor.pseudonym
    names = dict.fromkeys(_FULL_NAMES, pseudonym.name)
    names |= dict.fromkeys(_FIRST_NAMES, FIRST_NAME) | dict.fromkeys(_LAST_NAMES, pseudonym.last_name)
    if key not in names or not item:
        return None
    if isinstance(item, dict):
        return {
            part: ({**value, "value": names[key]} if isinstance(value, dict) else names.get(part.lower(), names[key]))
            if part.lower() in (*names, "value") and value
            else value
            for part, value in item.items()
        }
    return names[key]


def _emptied(item: Any) -> Any:
    return "" if isinstance(item, str) else None


def _answers(answers: Any, redactor: Redactor) -> Any:
    """Returns the answers of a form without those that the person wrote freely."""
    if isinstance(answers, list):
        return [
            _answer(str(item.get("label", "")), item, redactor) if isinstance(item, dict) else None for item in answers
        ]
    own = {slug.lower() for slug in answers} & {"email"} and _is_own(answers, redactor)
    redacted = {}
    for slug, item in answers.items():
        if own and (named := _named(slug.lower(), _value(item), redactor)) is not None:
            redacted[slug] = {**item, "value": named} if isinstance(item, dict) and "value" in item else named
        else:
            redacted[redactor.text(slug, words=False)] = _answer(slug, item, redactor)
    return redacted


def _answer(slug: str, item: Any, redactor: Redactor) -> Any:
    label = item.get("label") if isinstance(item, dict) else None
    is_kept = slug.lower() in _KEPT_ANSWERS or any(
        COMPANY.is_asked_by(one) for one in (slug, label) if isinstance(one, str) and one
    )
    if is_kept:
        return redactor.json(item, words=False)
    if isinstance(item, dict):
        return {key: _emptied(part) if key == "value" else redactor.json(part) for key, part in item.items()}
    return _emptied(item)
