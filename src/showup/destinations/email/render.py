"""A notice becomes a mail: addresses, words, calendar."""

from collections.abc import Callable, Sequence
from datetime import datetime

from showup.destinations.contract import CannotRender, Meeting, Notice
from showup.destinations.email.addresses import is_address, named
from showup.destinations.email.calendar import calendar_of, method_of
from showup.destinations.email.mail import Mail
from showup.destinations.email.senders import Sender, sender_of
from showup.destinations.email.templates import Templates
from showup.destinations.email.wording import Wording, wording_of
from showup.destinations.lines import cut, one_line

_LONGEST_SUBJECT = 200


class Renderer:
    """Makes mails; the same notice makes the same one, but for the moment that `clock` gives its calendar entry.

    `fallback` is the sender where no row of `senders` matches; without one such a mail can't be rendered.
    `calendar`: whether mails carry an .ics.
    """

    def __init__(
        self,
        *,
        templates: Templates,
        senders: Sequence[Sender],
        clock: Callable[[], datetime],
        calendar: bool = True,
        fallback: str | None = None,
    ) -> None:
        self._templates = templates
        self._senders = tuple(senders)
        self._clock = clock
        self._calendar = calendar
        self._fallback = fallback

    def render(self, notice: Notice) -> Mail:
        """The mail to the notice's guest. Raises CannotRender."""
        meeting, wording = notice.of_meeting(), wording_of(notice)
        said = wording.variables()
        place = (notice.workspace, meeting.event_type, said)
        method = method_of(notice.kind, meeting) if self._calendar else None
        return Mail(
            sender=named(self._sender(meeting), meeting.organizer_name),
            to=named(meeting.guest.email, meeting.guest.name),
            subject=cut(one_line(self._templates.text(f"{notice.kind}.subject.txt", *place)), _LONGEST_SUBJECT),
            html=self._templates.html(f"{notice.kind}.html", *place),
            text=self._templates.text(f"{notice.kind}.txt", *place).strip() + "\n",
            reply_to=_reply_to(meeting),
            calendar=None if method is None else calendar_of(meeting, wording, method, self._clock()),
            calendar_method=method,
            headers=_headers(wording),
        )

    def _sender(self, meeting: Meeting) -> str:
        sender = sender_of(meeting, self._senders) or self._fallback
        if sender is None:
            raise CannotRender(
                f"No sender is for the booking page {meeting.booker_url or '-'} and the organizer "
                f"{meeting.organizer_email or '-'}: add a row to [[senders]] in showup.toml, "
                "or a last one that has only `from`."
            )
        return sender


def _reply_to(meeting: Meeting) -> str | None:
    email = meeting.organizer_email or ""
    return named(email, meeting.organizer_name) if is_address(email) else None


def _headers(wording: Wording) -> dict[str, str]:
    if wording.unsubscribe_url is None:
        return {}
    # RFC 8058: mail programs show a button of their own, and press it without opening the page.
    return {
        "List-Unsubscribe": f"<{wording.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
