"""Renders a notification for Slack. Pure. The result is stored, and each attempt sends the same."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import CannotRender, Content, Meeting, Notification
from showup.destinations.slack import render_approval
from showup.destinations.slack.blocks import (
    LONGEST_VALUE,
    Block,
    Message,
    Writer,
    button,
    buttons,
    context,
    destination_name,
    escaped,
    fallback,
    link,
    link_button,
    moment,
    plain_moment,
    safe_text,
    section,
)
from showup.values.counted import counted
from showup.values.email_address import display_email

# Showup's clock may be ahead of Slack's, so the search for a posted message starts some minutes earlier.
_CLOCK_SKEW_SECONDS: Final = 300
_HEADLINES: Final = {
    "booking.created": "New booking",
    "booking.requested": "A booking waits for confirmation",
    "booking.rejected": "A booking was declined",
    "booking.rescheduled": "A meeting was moved",
    "booking.cancelled": "A meeting was cancelled",
    "booking.reassigned": "A meeting has a new host",
    "booking.location_changed": "A meeting has a new location",
    "booking.confirmed": "The attendee confirmed that they will come",
    "booking.showed": "The attendee came",
    "booking.no_show": "No-show",
    "booking.host_absent": "The host was absent",
    "proposal.requested": "A proposal was made",
}
_ENDED_EVENTS: Final = {"booking.cancelled", "booking.rejected"}
_ATTENDANCE_EVENTS: Final = {"booking.showed": "The attendee came", "booking.no_show": "The attendee did not come"}
_EVIDENCE: Final = {"assumed": "assumed: the meeting time is over, and no absence was reported", "reported": "reported"}
# These change the message of their question.
_UPDATES: Final = ("record.chosen", "approval.decided")
_ACTION: Final = "choose_record"
"""The prefix of the ids of all question buttons."""

_ANSWERS: Final = (
    ("showed", "✓ Showed", "primary"),
    ("no_show", "✕ No-show", None),
    ("rescheduled", "Rescheduled", None),
    ("host_absent", "I wasn't there", None),
)
_MAX_CANDIDATES: Final = 10
_PRESSER: Final = re.compile(r"slack:([UW][A-Z0-9]+)")
_COUNTED: Final = (
    ("booked", "New bookings"),
    ("cancelled", "Cancelled"),
    ("showed", "Showed"),
    ("no_show", "No-shows"),
    ("unreported", "Unreported"),
    ("deals_opened", "Deals opened"),
    ("deals_won", "Deals won"),
    ("deals_lost", "Deals lost"),
)


def render(notification: Notification, channel: str) -> Content:
    """Returns the message for the channel; for an answer, the updated question. Raises CannotRender."""
    write = _WRITERS.get(notification.kind)
    if write is None:
        raise CannotRender(f"Slack does not receive {notification.kind}: remove it from `notices` of the connection")
    # Everyone in the channel reads it.
    message: Message = write(notification.redact_uids())
    content: dict[str, Any] = {
        "do": "update" if notification.kind in _UPDATES else "post",
        "channel": message.channel or channel,
        "text": fallback(message.text),
        "blocks": message.blocks,
    }
    if message.to is not None:
        content |= {"to": message.to, "shared_blocks": message.shared_blocks}
    if notification.decided_at is not None:
        content["since"] = int(notification.decided_at.timestamp()) - _CLOCK_SKEW_SECONDS
    return content


def _booking_message(notification: Notification) -> Message:
    """Returns the message about one booking."""
    meeting, headline = notification.require_meeting(), _HEADLINES[notification.kind]
    blocks: list[Block] = [section(f"*{headline}:* {_guest_name(meeting)}", _fields(notification, meeting))]
    if notification.kind == "booking.created" and meeting.notes:
        blocks.append(context(f"Attendee's notes: {safe_text(meeting.notes, 1_000)}"))
    text = f"{headline}: {_guest_name(meeting)}, {escaped(plain_moment(meeting.start_time, notification.time_zone))}"
    return Message(text=text, blocks=blocks)


def _guest_name(meeting: Meeting) -> str:
    """Returns the guest's name and company."""
    guest = meeting.guest
    name = guest.name or display_email(guest.email) or guest.phone or "unknown attendee"
    return f"{safe_text(name)} ({safe_text(meeting.company_name)})" if meeting.company_name else safe_text(name)


def _fields(notification: Notification, meeting: Meeting) -> list[tuple[str, str]]:
    fields = [("When", moment(meeting.start_time, notification.time_zone))]
    if (old := _old_start_time(notification)) is not None:
        fields.append(("Previous time", moment(old, notification.time_zone)))
    fields.append(("Meeting", safe_text(meeting.title or meeting.event_type_title or "untitled")))
    for name, value in (
        ("Proposal", _proposal(notification)),
        ("With", meeting.organizer_label),
        ("Email", display_email(meeting.guest.email)),
        ("Phone", meeting.guest.phone),
        ("Reason", _reason(notification, meeting)),
    ):
        if value:
            fields.append((name, safe_text(value)))
    if notification.kind in _ATTENDANCE_EVENTS and meeting.evidence in _EVIDENCE:
        fields.append(("Evidence", _EVIDENCE[meeting.evidence]))
    if notification.kind not in _ENDED_EVENTS and meeting.meeting_url and meeting.status == "ACCEPTED":
        fields.append(("Where", link(meeting.meeting_url, "join the meeting")))
    return fields


def _proposal(notification: Notification) -> str | None:
    proposal = notification.details.get("proposal")
    return None if proposal is None else "{title}, {total:,.2f} {currency}".format_map(proposal)


def _old_start_time(notification: Notification) -> datetime | None:
    written = notification.details.get("old_start_time")
    return datetime.fromisoformat(written) if isinstance(written, str) else None


def _reason(notification: Notification, meeting: Meeting) -> str | None:
    if notification.kind in _ENDED_EVENTS:
        return meeting.cancellation_reason
    return meeting.reschedule_reason if notification.kind == "booking.rescheduled" else None


def _question_message(notification: Notification) -> Message:
    """Returns the candidates, each with its button, and a button for none of them."""
    details = notification.details
    place = destination_name(str(details["destination"]))
    headline = f"Which record in {place} is {_guest(notification)}?"
    shown = details["candidates"][:_MAX_CANDIDATES]
    none = button("None of these: create a new lead", action=f"{_ACTION}:none", value=_button_value(details, None))
    until = moment(datetime.fromisoformat(details["until"]), notification.time_zone)
    blocks = [
        section(f"*{headline}*\n{safe_text(details['because'])}"),
        *(_candidate(details, one, number) for number, one in enumerate(shown)),
        buttons(none),
        context(f"The first answer decides. Without an answer by {until}, Showup creates a new lead."),
    ]
    return Message(text=f"{headline} Open Slack to answer.", blocks=blocks)


def _answer_message(notification: Notification) -> Message:
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
        "This one", action=f"{_ACTION}:{number}", value=_button_value(details, one["record"]), style="primary"
    )
    return section(f"{number + 1}. *{link(one.get('url'), one['name'])}*{because}", button=pressed)


def _button_value(details: dict[str, Any], record: str | None) -> str:
    """Returns the value that a button sends: ids only. Raises CannotRender if it would be too long."""
    delivery_id = str(details["delivery_id"])
    value = delivery_id if record is None else f"{delivery_id} {record}"
    if len(value) > LONGEST_VALUE:
        raise CannotRender("a candidate's id is too long for a Slack button")
    return value


def _guest(notification: Notification) -> str:
    return "meant" if notification.meeting is None else _guest_name(notification.meeting)


def _decider(actor: str) -> str:
    """Returns who answered; Slack shows its own users by their names."""
    presser = _PRESSER.match(actor)
    return f"<@{presser[1]}>" if presser else escaped(actor)


def _outcome_message(notification: Notification) -> Message:
    """Returns the question to the host how it went: with their own links, and for the channel with those to sign in."""
    meeting, details = notification.require_meeting(), notification.details
    headline = f"How did it go with {_guest_name(meeting)}?"
    ended = moment(meeting.end_time or meeting.start_time, notification.time_zone)
    kind = safe_text(meeting.title or meeting.event_type_title or "The meeting")
    asked = section(f"*{headline}*\n{kind} ended {ended}.")
    return Message(
        text=headline,
        blocks=[asked, _answers(str(details["outcome_url"])), context("Your answer is saved on the page that opens.")],
        to=meeting.organizer_email,
        shared_blocks=[
            section(f"*{headline}*\n{kind} ended {ended}.", [("Host", safe_text(meeting.organizer_name or "unknown"))]),
            _answers(str(details["form_url"])),
        ],
    )


def _answers(url: str) -> Block:
    return buttons(
        *(
            link_button(label, url=f"{url}?answer={answer}", action=f"outcome:{answer}", style=style)
            for answer, label, style in _ANSWERS
        )
    )


def _delivery_failed(notification: Notification) -> Message:
    details = notification.details
    place, kind = destination_name(str(details["destination"])), safe_text(str(details["kind"]))
    headline = f"A delivery to {place} failed ({kind})"
    advice = f"`showup deliveries retry {safe_text(str(details['delivery_id']))}` retries it."
    remark = "Showup does not report other failures of this destination for an hour."
    return _alert(headline, _cause(details), f"{advice} {remark}")


def _destination_down(notification: Notification) -> Message:
    details = notification.details
    since = moment(datetime.fromisoformat(details["since"]), notification.time_zone)
    return _alert(
        f"{_capital(destination_name(str(details['destination'])))} can't be reached",
        f"Since {since}: {_cause(details)}",
        "Showup sends the waiting deliveries when it works again.",
    )


def _endpoint_paused(notification: Notification) -> Message:
    details = notification.details
    name = str(details.get("url") or details.get("endpoint_id") or details.get("destination") or "")
    which = safe_text(name.removeprefix("webhook:"))
    advice = "Deliveries wait until someone resumes it (`paused`: false at /api/endpoints)."
    return _alert(f"The outgoing webhook {which} is paused", _cause(details), advice)


def _bad_signatures(notification: Notification) -> Message:
    account = safe_text(str(notification.details["account"]))
    return _alert(
        f"Many webhooks of {account} have a wrong signature",
        "Either someone sends forged webhooks, or the sender uses another secret.",
        "Compare the sender's secret with Showup's: `showup accounts list`, `showup connections list`.",
    )


def _alert(headline: str, because: str, advice: str) -> Message:
    blocks = [section(f":warning: *{headline}*\n{because}"), context(advice)]
    return Message(text=f"{headline}: {because}", blocks=blocks)


def _cause(details: dict[str, Any]) -> str:
    return safe_text(str(details.get("because") or "no reason is known"), 600)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _daily_digest(notification: Notification) -> Message:
    """Returns yesterday's results, and today's meetings."""
    return _digest(notification, "Good morning", "Yesterday", "today")


def _weekly_digest(notification: Notification) -> Message:
    """Returns last week's results, and the number of meetings this week."""
    return _digest(notification, "The week", "Last week", "this week")


def _digest(notification: Notification, title: str, past: str, ahead: str) -> Message:
    details = notification.details
    before, upcoming = details["before"], details["ahead"]
    count = upcoming["meetings"]
    headline = f"{title}: {_meetings(count)} {ahead} ({safe_text(str(details['date']))})"
    totals = [(name, str(before[key])) for key, name in _COUNTED]
    held = _held(before)
    blocks: list[Block] = [section(f"*{headline}*"), section(f"*{past}:* {held}", totals)]
    blocks += _upcoming_section(upcoming, notification.time_zone)
    if before["deliveries_failed"]:
        failed = counted(before["deliveries_failed"], "failed delivery", "failed deliveries")
        blocks.append(context(f":warning: {failed}: `showup deliveries list --state failed`"))
    numbers = ", ".join(f"{name.lower()} {value}" for name, value in totals)
    text = f"{headline}. {past}: {held[0].lower()}{held[1:-1]}; {numbers}."
    return Message(text=text, blocks=blocks)


def _held(before: Mapping[str, Any]) -> str:
    """Returns how many of the meetings with reported attendance took place: the held rate, in words (CA5)."""
    reported = before.get("reported", 0)
    return f"Of {reported} reported, {before['reported_showed']} showed." if reported else "No attendance was reported."


def _upcoming_section(upcoming: Mapping[str, Any], zone: str) -> list[Block]:
    shown = upcoming["first"]
    if not shown:
        return []
    lines = [
        f"• {moment(datetime.fromisoformat(one['start_time']), zone)} {safe_text(one['who'] or one['title'], 100)}"
        for one in shown
    ]
    more = upcoming["meetings"] - len(shown)
    if more > 0:
        lines.append(f"… and {more} more")
    return [section("\n".join(lines))]


def _meetings(count: int) -> str:
    return counted(count, "meeting") if count else "no meetings"


_WRITERS: Final[dict[str, Writer]] = {
    **dict.fromkeys(_HEADLINES, _booking_message),
    "outcome": _outcome_message,
    "record.choose": _question_message,
    "record.chosen": _answer_message,
    **render_approval.WRITERS,
    "delivery.failed": _delivery_failed,
    "destination.down": _destination_down,
    "endpoint.paused": _endpoint_paused,
    "signatures.bad": _bad_signatures,
    "digest.daily": _daily_digest,
    "digest.weekly": _weekly_digest,
}
