"""Renders a notification as a mail: its letter and templates, addresses, headers and the calendar file."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from email.headerregistry import Address
from hashlib import sha256
from typing import Protocol, Self

from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Guest, Meeting, Notification
from showup.destinations.email.brand import Brand, brand_of
from showup.destinations.email.calendar import calendar_files
from showup.destinations.email.destination import Mail
from showup.destinations.email.letters.facts import Facts, Invitation, facts_of
from showup.destinations.email.letters.names import host_of_meeting
from showup.destinations.email.letters.outcome import outcome, question_of
from showup.destinations.email.letters.reminders import purpose_of
from showup.destinations.email.letters.write import letter_of
from showup.destinations.email.settings import SenderRule, sender_for
from showup.destinations.email.templates import RenderedMail, TemplateQuery
from showup.destinations.email.texts import NO_TEXTS, TeamTexts
from showup.destinations.email.variables import mail_variables
from showup.destinations.languages import Wording, choose_language, wording
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import host_of
from showup.destinations.localized_time import plain
from showup.values.email_address import display_email, email_domain, is_mailbox, normalize_email

_LONGEST_SUBJECT = 200
_LONGEST_NAME = 80
_HOUR = 3600
PREVIEW_SENDER = "showup@localhost"
"""The sender shown in previews without a sender: such a mail never leaves."""


class MailTemplates(Protocol):
    """Renders the templates of a mail."""

    def render(self, query: TemplateQuery, variables: Mapping[str, object]) -> RenderedMail:
        """Returns the subject, the HTML with inlined styles, and the text. Raises CannotRender."""


class TemplateMailRenderer:
    """Renders mails; `clock` sets the calendar's timestamp, and which days are today and tomorrow.

    `fallback` is the sender where no row of `senders` matches; without it, such a mail can't be rendered. `texts` are
    the team's own. `calendar`: whether mails carry an .ics.
    """

    def __init__(
        self,
        *,
        templates: MailTemplates,
        senders: Sequence[SenderRule],
        clock: Callable[[], datetime],
        texts: TeamTexts = NO_TEXTS,
        calendar: bool = True,
        fallback: str | None = None,
    ) -> None:
        self._templates = templates
        self._senders = tuple(senders)
        self._clock = clock
        self._texts = texts
        self._calendar = calendar
        self._fallback = fallback

    def with_senders(self, senders: Sequence[SenderRule]) -> Self:
        """Returns a renderer that tries these senders before its own."""
        changed = copy(self)
        changed._senders = (*senders, *self._senders)  # noqa: SLF001  # its own copy
        return changed

    def with_clock(self, clock: Callable[[], datetime]) -> Self:
        """Returns a renderer whose now is another: a preview shows a mail as on the day when it is sent."""
        changed = copy(self)
        changed._clock = clock  # noqa: SLF001  # its own copy
        return changed

    def render(self, notification: Notification) -> Mail:
        """Returns the mail to the notification's guest, or to the meeting's host. Raises CannotRender."""
        if notification.kind == "outcome":
            return self._to_host(notification)
        meeting, now = notification.require_meeting().hide_organizer(), self._clock()
        notification = replace(notification, meeting=meeting)
        sender = self._sender(meeting)
        words = wording(choose_language(meeting.guest.locale, sender.language))
        files = calendar_files(notification, sender.address, sends_new=self._calendar, created_at=now)
        facts = facts_of(
            notification,
            words=words,
            brand=brand_of(sender, meeting),
            team=self._texts,
            invitation=self._invitation(meeting, is_attached=bool(files)),
            reply_to=_reply_to(meeting, sender, words),
            now=now,
        )
        variables = mail_variables(notification.kind, facts, letter_of(notification.kind, facts))
        query = TemplateQuery(template_names(notification), words.language, notification.workspace, meeting.event_type)
        rendered = self._templates.render(query, variables.as_dict())
        return Mail(
            sender=format_address(sender.address, _sender_name(meeting, sender, words)),
            to=format_address(meeting.guest.email, meeting.guest.name),
            subject=truncate(plain(one_line(rendered.subject)), _LONGEST_SUBJECT),
            html=rendered.html,
            text=plain(rendered.text).strip() + "\n",
            reply_to=None if facts.reply_address is None else _reply_header(facts, meeting),
            calendar=files[0].text if files else None,
            calendar_method=files[0].entry.method if files else None,
            more_calendars=tuple(one.text for one in files[1:]),
            calendar_entries=tuple(one.entry for one in files),
            headers=_headers(sender, meeting, variables.unsubscribe_url),
        )

    def _to_host(self, notification: Notification) -> Mail:
        """Returns the question how it went: in English and Showup's own look, in the host's zone, to the host (AP2)."""
        meeting = notification.require_meeting()
        sender, words = self._sender(meeting), wording("en")
        host = Guest(
            email=meeting.organizer_email or "", name=meeting.organizer_name, time_zone=meeting.organizer_time_zone
        )
        facts = facts_of(
            replace(notification, meeting=replace(meeting, guest=host, event_type=None)),
            words=words,
            brand=Brand(name="Showup", shown="Showup"),
            team=NO_TEXTS,
            invitation="none",
            reply_to=None,
            now=self._clock(),
        )
        question = question_of(meeting, str(notification.details["outcome_url"]), notification.workspace)
        variables = mail_variables(notification.kind, facts, outcome(facts, question))
        query = TemplateQuery(template_names(notification), words.language, notification.workspace)
        rendered = self._templates.render(query, variables.as_dict())
        return Mail(
            sender=format_address(sender.address, "Showup"),
            to=format_address(host.email, host.name),
            subject=truncate(plain(one_line(rendered.subject)), _LONGEST_SUBJECT),
            html=rendered.html,
            text=plain(rendered.text).strip() + "\n",
            headers=_headers(sender, facts.meeting, None),
        )

    def _sender(self, meeting: Meeting) -> SenderRule:
        sender = sender_for(meeting, self._senders)
        if sender is not None:
            return sender
        if self._fallback is None:
            raise CannotRender(
                f"No sender fits this meeting ({_booked_with(meeting)}). Add one under Settings, Senders, or"
                " to [[senders]] in showup.toml and restart Showup"
            )
        return SenderRule(address=self._fallback)

    def _invitation(self, meeting: Meeting, *, is_attached: bool) -> Invitation:
        if is_attached:
            return "attached"
        if meeting.calendar_invites:
            return "host_calendar"
        # These links never stand beside a file: they would make a second entry.
        return "none" if self._calendar else "links"


def template_names(notification: Notification) -> tuple[str, ...]:
    """Returns the names of the templates of a notification, the most exact first.

    A reminder 72 hours ahead is `reminder_72h` and `reminder_3d`, then as its purpose has it `reminder_prepare`.
    """
    if notification.kind != "reminder":
        return (notification.kind,)
    seconds = round(float(notification.details.get("before_seconds") or 0))
    units = (("h", _HOUR), ("d", 24 * _HOUR), ("m", 60))
    exact = [f"reminder_{seconds // size}{unit}" for unit, size in units if seconds and not seconds % size]
    return (*exact, f"reminder_{purpose_of(timedelta(seconds=seconds))}", "reminder")


def _booked_with(meeting: Meeting) -> str:
    """Returns the facts that choose a sender, in words."""
    host, domain = host_of(meeting.booker_url), email_domain(meeting.organizer_email)
    page = f"booked on {host}" if host else "booking page unknown"
    return f"{page}, {f'organizer at {domain}' if domain else 'organizer without an address'}"


def _reply_to(meeting: Meeting, sender: SenderRule, words: Wording) -> tuple[str, str | None] | None:
    """Returns where replies go, and whose address it is: the booking's own, else the host's, else the sender's."""
    host = host_of_meeting(meeting, sender.name, words)
    host_email = "" if meeting.organizer_email_hidden else meeting.organizer_email or ""
    candidates = (
        (meeting.reply_to or "", sender.name or host.short),
        (host_email, host.short or sender.name),
        (sender.reply_to or "", sender.name),
    )
    return next(((email, name or display_email(email)) for email, name in candidates if is_mailbox(email)), None)


def _reply_header(facts: Facts, meeting: Meeting) -> str:
    address = facts.reply_address or ""
    is_host = address == meeting.organizer_email
    return format_address(address, facts.host.full if is_host else facts.brand.name)


def _sender_name(meeting: Meeting, sender: SenderRule, words: Wording) -> str | None:
    host = host_of_meeting(meeting, sender.name, words)
    if host.full and sender.name and sender.name.casefold() not in host.full.casefold():
        return words.say("{name} at {brand}", name=host.full, brand=sender.name)
    return host.full or sender.name


def _headers(sender: SenderRule, meeting: Meeting, unsubscribe_url: str | None) -> dict[str, str]:
    # All mails of one person about one booking are one conversation; no header says more than that (RFC 5322, 3.6.4).
    thread = sha256(f"{meeting.booking_id}{meeting.guest.email}".encode()).hexdigest()[:32]
    headers = {
        "Auto-Submitted": "auto-generated",
        "References": f"<{thread}@{sender.address.rpartition('@')[2]}>",
    }
    if unsubscribe_url is not None and unsubscribe_url.startswith("https:"):
        # RFC 8058: mail programs show their own unsubscribe button and send the request without opening the page.
        headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


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
