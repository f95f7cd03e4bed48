"""Which record is meant: the question with its buttons, and what it becomes when somebody has decided."""

import re
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import CannotRender, Notice
from showup.destinations.slack.blocks import (
    LONGEST_VALUE,
    Block,
    button,
    buttons,
    escaped,
    link,
    moment,
    said,
    section,
    small,
)
from showup.destinations.slack.meetings import who
from showup.destinations.slack.message import Message, named

ACTION: Final = "choose_record"
"""How the ids of all buttons of a question begin."""

_MOST: Final = 10
_PRESSER: Final = re.compile(r"slack:([UW][A-Z0-9]+)")


def value_of(delivery_id: str, record: str | None) -> str:
    """What a button says when it is pressed: ids only. Raises CannotRender for one that would be too long."""
    value = delivery_id if record is None else f"{delivery_id} {record}"
    if len(value) > LONGEST_VALUE:
        raise CannotRender("a candidate's id is too long for a button of Slack")
    return value


def asked(notice: Notice) -> Message:
    """The candidates, one below the other, each with its button, and one for none of them."""
    details = notice.details
    place = named(str(details["destination"]))
    headline = f"Which record in {place} is {_whom(notice)}?"
    shown = details["candidates"][:_MOST]
    none = button("None of these: make a new lead", action=f"{ACTION}:none", value=_value(details, None))
    until = moment(datetime.fromisoformat(details["until"]), notice.time_zone)
    blocks = [
        section(f"*{headline}*\n{said(details['because'])}"),
        *(_candidate(details, one, number) for number, one in enumerate(shown)),
        buttons(none),
        small(f"Who presses first decides. Without an answer until {until}, a new lead is made."),
    ]
    return Message(text=f"{headline} Open Slack to decide.", blocks=blocks)


def answered(notice: Notice) -> Message:
    """The question, decided: it has no buttons any more, and says who decided what."""
    details = notice.details
    place, by = named(str(details["destination"])), details.get("answered_by")
    headline = f"Which record in {place} is {_whom(notice)}?"
    if by is None:
        decided = "Nobody decided in time: it went on without an answer, as a new lead."
    elif details.get("name"):
        decided = f"{_decider(by)} decided: it is *{said(details['name'])}*."
    elif details.get("record"):
        decided = f"{_decider(by)} decided: it is {said(details['record'])}."
    else:
        decided = f"{_decider(by)} decided: none of these. A new lead is made."
    return Message(text=f"{headline} {decided}", blocks=[section(f"*{headline}*\n{decided}")])


def _candidate(details: dict[str, Any], one: dict[str, Any], number: int) -> Block:
    because = f"\n{said(one['because'])}" if one.get("because") else ""
    pressed = button("This one", action=f"{ACTION}:{number}", value=_value(details, one["record"]), style="primary")
    return section(f"{number + 1}. *{link(one.get('url'), one['name'])}*{because}", button=pressed)


def _value(details: dict[str, Any], record: str | None) -> str:
    return value_of(str(details["delivery_id"]), record)


def _whom(notice: Notice) -> str:
    return "meant" if notice.meeting is None else who(notice.meeting)


def _decider(actor: str) -> str:
    """Who decided; Slack shows a person of its own by their name there."""
    presser = _PRESSER.match(actor)
    return f"<@{presser[1]}>" if presser else escaped(actor)
