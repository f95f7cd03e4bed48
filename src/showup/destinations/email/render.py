"""Renders a notification as a mail: addresses, the variables of its templates, and the calendar file."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from typing import Protocol

from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.email.calendar import calendar_file
from showup.destinations.email.destination import Mail
from showup.destinations.email.settings import SenderRule, sender_for
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import MeetingPlace, cancel_url, meeting_place, reschedule_url, web_link
from showup.destinations.local_time import LocalTime, local_time
from showup.values.email_address import display_email, is_mailbox, normalize_email
from showup.values.time_zone import zone_of

_LONGEST_SUBJECT = 200
_LONGEST_TITLE = 300
_LONGEST_SHORT_TITLE = 70
_LONGEST_NAME = 80
_LONGEST_REASON = 500
_SPANS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


class MailTemplates(Protocol):
    """Renders a template of a mail: the name of its file, the slugs that select it, and its variables."""

    def text(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Returns the text. Raises CannotRender."""

    def html(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Returns HTML with inlined styles. Raises CannotRender."""


class TemplateMailRenderer:
    """Renders mails; the same notification gives the same mail, except for the calendar's timestamp from `clock`.

    `fallback` is the sender where no row of `senders` matches; without it, such a mail can't be rendered. `calendar`:
    whether mails carry an .ics.
    """

    def __init__(
        self,
        *,
        templates: MailTemplates,
        senders: Sequence[SenderRule],
        clock: Callable[[], datetime],
        calendar: bool = True,
        fallback: str | None = None,
    ) -> None:
        self._templates = templates
        self._senders = tuple(senders)
        self._clock = clock
        self._calendar = calendar
        self._fallback = fallback

    def render(self, notification: Notification) -> Mail:
        """Returns the mail to the notification's guest. Raises CannotRender."""
        meeting, variables = notification.require_meeting(), mail_variables(notification)
        values = variables.as_dict()
        lookup = (notification.workspace, meeting.event_type, values)
        sender = self._sender(meeting)
        file = calendar_file(notification, sender, sends_new=self._calendar, created_at=self._clock())
        return Mail(
            sender=format_address(sender, meeting.redact_organizer(meeting.organizer_name)),
            to=format_address(meeting.guest.email, meeting.guest.name),
            subject=truncate(
                one_line(self._templates.text(f"{notification.kind}.subject.txt", *lookup)), _LONGEST_SUBJECT
            ),
            html=self._templates.html(f"{notification.kind}.html", *lookup),
            text=self._templates.text(f"{notification.kind}.txt", *lookup).strip() + "\n",
            reply_to=_reply_to(meeting),
            calendar=None if file is None else file.text,
            calendar_method=None if file is None else file.entry.method,
            calendar_entry=None if file is None else file.entry,
            headers=_headers(variables),
        )

    def _sender(self, meeting: Meeting) -> str:
        sender = sender_for(meeting, self._senders) or self._fallback
        if sender is None:
            raise CannotRender(
                f"No sender matches the booking page {meeting.booker_url or '-'} and the organizer "
                f"{meeting.organizer_email or '-'}: add a row to [[senders]] in showup.toml, "
                "or a last row with only `from`."
            )
        return sender


def _reply_to(meeting: Meeting) -> str | None:
    """Returns where replies go; None where they go to the sender, because the organizer's address is hidden."""
    email = meeting.contact_email or ""
    name = meeting.redact_organizer(meeting.organizer_name)
    return format_address(email, name) if is_mailbox(email) else None


def _headers(variables: "MailVariables") -> dict[str, str]:
    if variables.unsubscribe_url is None:
        return {}
    # RFC 8058: mail programs show their own unsubscribe button and send the request without opening the page.
    return {
        "List-Unsubscribe": f"<{variables.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


class MailVariables(Struct, frozen=True, kw_only=True):
    """The variables of a template; None where unknown. docs/EMAIL.md describes each.

    `old_when` belongs to a reschedule, `before` (`24 hours`) and `confirm_url` to a reminder, `rebook_url` and
    `unsubscribe_url` to a follow-up. `short_title` is shortened for a subject.
    """

    kind: str
    title: str
    short_title: str
    when: LocalTime
    place: MeetingPlace
    guest_name: str | None
    guest_email: str
    organizer: str | None
    organizer_email: str | None
    reply_to: str | None
    event_type: str | None
    cancellation_reason: str | None
    reschedule_url: str | None
    cancel_url: str | None
    old_when: LocalTime | None
    before: str | None
    rebook_url: str | None
    confirm_url: str | None
    unsubscribe_url: str | None

    def as_dict(self) -> dict[str, object]:
        """Returns the variables by the names that templates use."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def mail_variables(notification: Notification) -> MailVariables:
    """Returns the variables; an unknown time zone is ignored, and an invalid address becomes no link."""
    meeting, details = notification.require_meeting(), notification.details
    zone = zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)
    old, before = details.get("old_start_time"), details.get("before_seconds")
    title = truncate(one_line(meeting.redact_organizer(meeting.title) or ""), _LONGEST_TITLE) or "Your meeting"
    return MailVariables(
        kind=notification.kind,
        title=title,
        short_title=truncate(title, _LONGEST_SHORT_TITLE),
        when=local_time(meeting.start_time, meeting.end_time, zone),
        place=meeting_place(meeting),
        guest_name=_shown(meeting.guest.name, _LONGEST_NAME),
        guest_email=one_line(display_email(meeting.guest.email)),
        organizer=_shown(meeting.organizer_label, _LONGEST_NAME),
        organizer_email=_shown(display_email(meeting.shown_organizer_email or ""), _LONGEST_TITLE),
        reply_to=_shown(display_email(meeting.contact_email or ""), _LONGEST_TITLE),
        event_type=_shown(meeting.event_type_title, _LONGEST_TITLE),
        cancellation_reason=_shown(meeting.redact_organizer(meeting.cancellation_reason), _LONGEST_REASON),
        reschedule_url=reschedule_url(meeting),
        cancel_url=cancel_url(meeting),
        old_when=None if old is None else local_time(datetime.fromisoformat(old), None, zone),
        before=None if before is None else _span(timedelta(seconds=before)),
        # For a past meeting, Cal.com's reschedule page opens a new booking with the form already filled in.
        rebook_url=web_link(details.get("rebook_url")) or reschedule_url(meeting),
        confirm_url=web_link(details.get("confirm_url")),
        unsubscribe_url=web_link(details.get("unsubscribe_url")),
    )


def _shown(text: str | None, longest: int) -> str | None:
    return truncate(one_line(text or ""), longest) or None


def _span(span: timedelta) -> str:
    for unit, word in _SPANS:
        if span >= unit and not span % unit:
            count = span // unit
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{round(span.total_seconds())} seconds"


def format_address(email: str, name: str | None) -> str:
    """Returns `Name <address>`, quoted where needed, or the plain address.

    Raises CannotRender if the address is invalid.
    """
    if not is_mailbox(email):
        raise CannotRender(f"{email!r} is not an email address.")
    shown = truncate(one_line(name or ""), _LONGEST_NAME)
    address = normalize_email(email)
    user, _, domain = address.rpartition("@")
    return str(Address(shown, user, domain)) if shown else address
