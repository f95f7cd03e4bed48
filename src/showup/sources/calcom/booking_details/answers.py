"""Reads the answers of a booking form, and finds the booker's email, phone, name and company among them."""

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from showup.sources.calcom.booking_details.places import values_at
from showup.sources.calcom.booking_details.question_topics import COMPANY, EMAIL, PHONE, QuestionTopic
from showup.sources.calcom.payload import (
    Json,
    mapping,
    number_of_invented_email,
    objects,
    own_email,
    phone,
    read_answer,
    text,
)

ANSWER_PLACES: Final = (
    "metadata.responses",
    "customInputs",
    "responses",
    "bookingFieldsResponses",
    "userFieldsResponses",
)
"""Where answers are; an answer to the same question at a later place overrides the earlier one."""

_MAX_ANSWERS: Final = 100
_COMPANY_LENGTH: Final = 200
_COMPANY_SLUGS: Final = ("company", "company_name", "company-name", "companyname", "organization", "organisation")
_PHONE_SLUGS: Final = ("attendeePhoneNumber", "smsReminderNumber", "phone")
_KINDS_OF_TEXT: Final = frozenset(("text", "textarea", "select", "radio", "company", "organization", "organisation"))
# Kinds of locations at which the host calls the attendee; at `userPhone`, the number is the host's.
ATTENDEE_IS_CALLED: Final = frozenset(("phone", "attendeephone"))


class FormAnswer(Struct, frozen=True, kw_only=True):
    """An answer: its question's slug, label and type (None: not given), the value, and the value as one line."""

    slug: str
    label: str | None
    type: str | None
    value: Any
    text: str

    def is_about(self, topic: QuestionTopic) -> bool:
        """Returns whether the question asks for the topic, by its slug, label or type."""
        return any(topic.is_asked_by(asked) for asked in (self.slug, self.label, self.type) if asked)


Answers: TypeAlias = dict[str, FormAnswer]
"""The answers by slug."""


class ChosenLocation(Struct, frozen=True, kw_only=True):
    """The booker's choice of location: Cal.com's name of its kind, in lower case, and the number or address given."""

    kind: str | None = None
    detail: str | None = None


def read_answers(fields: Json) -> Answers:
    """Returns the form's answers, without unanswered questions."""
    asked = objects(mapping(fields.get("eventType")).get("bookingFields"))
    questions = {text(question.get("name")): question for question in asked}
    found: Answers = {}
    for listed in values_at(fields, ANSWER_PLACES):
        for slug, raw in list(_by_slug(listed).items())[:_MAX_ANSWERS]:
            name, answered = text(slug, 100), read_answer(raw)
            if name is not None and answered is not None:
                wrapper, question = mapping(raw), mapping(questions.get(name))
                found[name] = FormAnswer(
                    slug=name,
                    label=text(wrapper.get("label")) or text(question.get("label")),
                    type=text(wrapper.get("type")) or text(question.get("type")),
                    value=wrapper["value"] if "value" in wrapper and "optionValue" not in wrapper else raw,
                    text=answered,
                )
    return found


def _by_slug(listed: Any) -> Json:
    """Returns answers by slug; the API stores an object in metadata as JSON text, and old rows have a list."""
    if isinstance(listed, str):
        try:
            return mapping(msgspec.json.decode(listed))
        except (msgspec.DecodeError, ValueError, RecursionError):
            return {}
    if isinstance(listed, list):
        return {label: item for item in objects(listed) if isinstance(label := item.get("label"), str)}
    return mapping(listed)


def booker_email(answers: Answers, fields: Json, hosts: Collection[str]) -> str | None:
    """Returns the booker's own address: not a host's, and not one that Cal.com made from a phone number."""
    answered = (own_email(answer.text) for answer in _about(answers, ("email",), EMAIL))
    paid_by = own_email(mapping(fields.get("metadata")).get("bookerEmail"))
    return next((email for email in (*answered, paid_by) if email is not None and email not in hosts), None)


def booker_phone(answers: Answers, fields: Json) -> str | None:
    """Returns the booker's phone number as typed; never the number at which the host is called (`userPhone`)."""
    location = chosen_location(answers)
    candidates = (
        *(answers[slug].text for slug in _PHONE_SLUGS[:2] if slug in answers),
        fields.get("smsReminderNumber"),
        *(answer.text for answer in _about(answers, _PHONE_SLUGS, PHONE)),
        *((location.detail, fields.get("location")) if location.kind in ATTENDEE_IS_CALLED else ()),
        number_of_invented_email(answers["email"].text if "email" in answers else None),
    )
    return next((number for candidate in candidates if (number := phone(candidate)) is not None), None)


def booker_name(answers: Answers) -> tuple[str | None, str | None]:
    """Returns the booker's name and first name."""
    answer = answers.get("name")
    if answer is None:
        return None, None
    return text(answer.text), text(mapping(answer.value).get("firstName"), 100)


def company_answer(answers: Answers) -> str | None:
    """Returns the company that the booker named."""
    named = (text(one.text, _COMPANY_LENGTH) for one in _about(answers, _COMPANY_SLUGS, COMPANY) if _is_name(one))
    return next((name for name in named if name is not None), None)


def chosen_location(answers: Answers) -> ChosenLocation:
    """Returns the location that the booker chose on the form."""
    choice = mapping(answers["location"].value) if "location" in answers else {}
    kind = text(choice.get("value"))
    return ChosenLocation(kind=None if kind is None else kind.lower(), detail=text(choice.get("optionValue")))


def _about(answers: Answers, slugs: tuple[str, ...], topic: QuestionTopic) -> Iterator[FormAnswer]:
    """Yields the answers with these slugs, in order, then the others about the topic."""
    by_slug = {slug.lower(): answer for slug, answer in answers.items()}
    first = [by_slug[slug.lower()] for slug in slugs if slug.lower() in by_slug]
    yield from first
    yield from (answer for answer in answers.values() if answer not in first and answer.is_about(topic))


def _is_name(answer: FormAnswer) -> bool:
    """Returns whether the answer is words: a number or a tick is no company's name, even for a question about it."""
    is_plain = isinstance(answer.value, bool | int | float) or own_email(answer.text) is not None
    kind = (answer.type or "text").lower()
    return not is_plain and kind in _KINDS_OF_TEXT and any(letter.isalnum() for letter in answer.text)
