"""Renders the changes that assistants asked for: the exact difference, the buttons, and what became of it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import Notification
from showup.destinations.slack.blocks import (
    Block,
    Message,
    Writer,
    button,
    buttons,
    context,
    escaped,
    link_button,
    moment,
    safe_text,
    section,
)

GRANT: Final = "approval:grant"
DENY: Final = "approval:deny"
LINK: Final = "link_teammate"
_LONGEST: Final = 2_800
_RESULTS: Final = {
    "done": "Done",
    "denied": "Denied. Nothing was changed",
    "expired": "Nobody granted it in time. Nothing was changed",
    "outdated": "It would change nothing now",
    "refused": "The rules of the pipeline refuse it. Nothing was changed",
}


def _approval_message(notification: Notification) -> Message:
    """Returns the change with its buttons while it waits, and with its result afterwards.

    A person must see all that a button does: a difference that a message can't hold is granted on the page only.
    """
    details = notification.details
    title = safe_text(str(details["title"]))
    lines = _lines(details)
    is_whole = len(lines) <= _LONGEST
    asked = f"*{title}*\nAsked for by {safe_text(str(details['asked_by']))}."
    blocks: list[Block] = [section(asked), section(lines if is_whole else f"{lines[:_LONGEST]}…")]
    if details["state"] == "pending":
        blocks.append(buttons(*_buttons(details, is_whole=is_whole)))
        until = moment(datetime.fromisoformat(details["expires_at"]), notification.time_zone)
        cut = "" if is_whole else "It changes more than a message can show, so grant it on the page. "
        blocks.append(context(f"{cut}Nothing has changed yet. It waits until {until}."))
        return Message(text=f"{title} Open Slack to decide.", blocks=blocks)
    result = _result(details)
    return Message(text=f"{title} {result}", blocks=[*blocks, context(result)])


def _buttons(details: Mapping[str, Any], *, is_whole: bool) -> list[Block]:
    value = f"{details['approval_id']} {details['digest']}"
    page = link_button("Look at it", url=str(details["url"]), action="approval:open")
    deny = button("Don't", action=DENY, value=value)
    if not is_whole:
        return [page, deny]
    return [button("Do it", action=GRANT, value=value, style="primary"), deny, page]


def _lines(details: Mapping[str, Any]) -> str:
    lines = [
        f"• {_text(one['what'])}, {_text(one['name'])}: {_text(one['before'])} → *{_text(one['after'])}*"
        for one in details["fields"]
    ]
    lines += [f"• {_text(one)}" for one in details["effects"]]
    if details["omitted"]:
        lines.append(f"• {details['omitted']} more changes")
    return "\n".join(lines) or "Nothing"


def _result(details: Mapping[str, Any]) -> str:
    by = details.get("decided_by")
    text = _RESULTS[details["state"]] + (
        f" by {safe_text(by)}" if by and details["state"] in ("done", "denied") else ""
    )
    undone = details.get("undone_by")
    return f"{text}. Undone by {safe_text(undone)}." if undone else f"{text}."


def _text(value: Any) -> str:
    # Not cut: the whole message is measured instead.
    return escaped(" ".join(str(value).split())).replace("*", "∗")


def _reply_message(notification: Notification) -> Message:
    """Returns what one member must know, as a direct message to them."""
    text = safe_text(str(notification.details["text"]), 1_000)
    return Message(text=text, blocks=[section(text)], channel=str(notification.details["member"]))


def _link_message(notification: Notification) -> Message:
    """Returns the question whether a Slack user is a teammate, for that user alone."""
    details = notification.details
    email = safe_text(str(details["email"]))
    question = f"*Are you {email} in Showup?* Then you can grant here what assistants ask for."
    pressed = button("Yes, link us", action=LINK, value=str(details["token"]), style="primary")
    until = moment(datetime.fromisoformat(details["expires_at"]), notification.time_zone)
    unknown = f"Slack has no member with the address {email}, or Showup's app lacks users:read.email or im:write."
    return Message(
        text=f"Are you {email} in Showup?",
        blocks=[section(question), buttons(pressed), context(f"The button works until {until}.")],
        to=str(details["email"]),
        # Its presser acts as the teammate from then on, so no channel gets the button.
        shared_blocks=[section(f"Showup could not ask {email} for their link. {unknown}")],
    )


WRITERS: Final[dict[str, Writer]] = {
    "approval.asked": _approval_message,
    "approval.decided": _approval_message,
    "approval.reply": _reply_message,
    "slack.link": _link_message,
}
