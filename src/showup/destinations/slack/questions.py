"""Asks which record matches: the question with its buttons, and the message after a person answered."""

import re
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import CannotRender, Notification
from showup.destinations.slack.blocks import (
    LONGEST_VALUE,
    Block,
    button,
    buttons,
    context,
    escaped,
    link,
    moment,
    safe_text,
    section,
)
from showup.destinations.slack.bookings import guest_name
from showup.destinations.slack.message import Message, destination_name

ACTION: Final = "choose_record"
"""The prefix of the ids of all question buttons."""

_MAX_CANDIDATES: Final = 10
_PRESSER: Final = re.compile(r"slack:([UW][A-Z0-9]+)")


def button_value(delivery_id: str, record: str | None) -> str:
    """Returns the value that a button sends: ids only. Raises CannotRender if it would be too long."""
    value = delivery_id if record is None else f"{delivery_id} {record}"
    if len(value) > LONGEST_VALUE:
        raise CannotRender("a candidate's id is too long for a Slack button")
    return value


def question_message(notification: Notification) -> Message:
    """Returns the candidates, each with its button, and a button for none of them."""
    details = notification.details
    place = destination_name(str(details["destination"]))
    headline = f"Which record in {place} is {_guest(notification)}?"
    shown = details["candidates"][:_MAX_CANDIDATES]
    none = button("None of these: create a new lead", action=f"{ACTION}:none", value=_button_value(details, None))
    until = moment(datetime.fromisoformat(details["until"]), notification.time_zone)
    blocks = [
        section(f"*{headline}*\n{safe_text(details['because'])}"),
        *(_candidate(details, one, number) for number, one in enumerate(shown)),
        buttons(none),
        context(f"The first answer decides. Without an answer by {until}, Showup creates a new lead."),
    ]
    return Message(text=f"{headline} Open Slack to answer.", blocks=blocks)


def answer_message(notification: Notification) -> Message:
    """Returns the answered question: without buttons, and with who chose what."""
    details = notification.details
    place, by = destination_name(str(details["destination"])), details.get("answered_by")
    headline = f"Which record in {place} is {_guest(notification)}?"
    if by is None:
        decided = "No one answered in time, so Showup created a new lead."
    elif details.get("name"):
        decided = f"{_decider(by)} chose *{safe_text(details['name'])}*."
    elif details.get("record"):
        decided = f"{_decider(by)} chose {safe_text(details['record'])}."
    else:
        decided = f"{_decider(by)} chose none of these. Showup creates a new lead."
    return Message(text=f"{headline} {decided}", blocks=[section(f"*{headline}*\n{decided}")])


def _candidate(details: dict[str, Any], one: dict[str, Any], number: int) -> Block:
    because = f"\n{safe_text(one['because'])}" if one.get("because") else ""
    pressed = button(
        "This one", action=f"{ACTION}:{number}", value=_button_value(details, one["record"]), style="primary"
    )
    return section(f"{number + 1}. *{link(one.get('url'), one['name'])}*{because}", button=pressed)


def _button_value(details: dict[str, Any], record: str | None) -> str:
    return button_value(str(details["delivery_id"]), record)


def _guest(notification: Notification) -> str:
    return "meant" if notification.meeting is None else guest_name(notification.meeting)


def _decider(actor: str) -> str:
    """Returns who answered; Slack shows its own users by their names."""
    presser = _PRESSER.match(actor)
    return f"<@{presser[1]}>" if presser else escaped(actor)
