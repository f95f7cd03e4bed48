"""The variables of the templates of a mail."""

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.email.brand import Brand, Palette
from showup.destinations.email.letters.facts import LONGEST_TEXT, LONGEST_TITLE, Facts
from showup.destinations.email.letters.names import LONGEST_NAME
from showup.destinations.email.letters.parts import Letter
from showup.destinations.email.letters.place import Place
from showup.destinations.lines import one_line, truncate, without_marks
from showup.destinations.links import web_link
from showup.destinations.localized_time import LocalizedTime
from showup.values.email_address import display_email

_LONGEST_SHORT_TITLE = 70


class MailVariables(Struct, frozen=True, kw_only=True):
    """The variables of a template; None where unknown. docs/EMAIL.md describes each."""

    kind: str
    language: str
    letter: Letter
    brand: Brand
    palette: Palette
    title: str
    short_title: str
    when: LocalizedTime
    other_when: LocalizedTime | None
    minutes: int | None
    place: Place
    first_name: str | None
    guest_name: str | None
    guest_email: str
    organizer: str | None
    organizer_email: str | None
    event_type: str | None
    notes: str | None
    cancellation_reason: str | None
    reschedule_url: str | None
    cancel_url: str | None
    rebook_url: str | None
    confirm_url: str | None
    unsubscribe_url: str | None

    def as_dict(self) -> dict[str, object]:
        """Returns the variables by the names that templates use."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def mail_variables(kind: str, facts: Facts, letter: Letter) -> MailVariables:
    """Returns the variables of a letter. A hidden organizer's address is not among them."""
    meeting, details = facts.meeting, facts.details
    title = _shown(meeting.title, LONGEST_TITLE) or facts.title
    return MailVariables(
        kind=kind,
        language=facts.words.language,
        letter=letter,
        brand=facts.brand,
        palette=facts.brand.palette,
        title=title,
        short_title=truncate(title, _LONGEST_SHORT_TITLE),
        when=facts.when,
        other_when=facts.other_when,
        minutes=facts.minutes,
        place=facts.place,
        first_name=facts.guest,
        guest_name=_shown(meeting.guest.name, LONGEST_NAME),
        guest_email=one_line(display_email(meeting.guest.email)),
        organizer=facts.host.full,
        organizer_email=_organizer_email(meeting),
        event_type=_shown(meeting.event_type_title, LONGEST_TITLE),
        notes=facts.notes,
        cancellation_reason=without_marks(one_line(meeting.cancellation_reason or ""))[:LONGEST_TEXT] or None,
        reschedule_url=facts.move_url,
        cancel_url=facts.cancel_url,
        rebook_url=facts.rebook_url or facts.move_url,
        confirm_url=web_link(details.get("confirm_url")),
        unsubscribe_url=web_link(details.get("unsubscribe_url")),
    )


def _organizer_email(meeting: Meeting) -> str | None:
    return (
        None if meeting.organizer_email_hidden else _shown(display_email(meeting.organizer_email or ""), LONGEST_TITLE)
    )


def _shown(text: str | None, longest: int) -> str | None:
    return truncate(one_line(text or ""), longest) or None
