"""The letter to the host after a meeting: how did it go (AP2)? In English, like the pages that it leads to."""

from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from showup.bookings.booking import MeetingOutcome
from showup.destinations.contract import Meeting
from showup.destinations.email.letters.blocks import titled
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.names import LONGEST_NAME, first_name
from showup.destinations.email.letters.parts import (
    AnswerLink,
    AnswerLinks,
    ChoiceTone,
    Letter,
    Piece,
    Row,
    Ticket,
    paragraph,
)
from showup.destinations.lines import one_line, truncate
from showup.values.email_address import display_email

_CHOICES: Final[tuple[tuple[MeetingOutcome, ChoiceTone, str], ...]] = (
    ("showed", "good", "✓ Showed"),
    ("no_show", "bad", "✕ No-show"),
    ("rescheduled", "info", "→ Rescheduled"),
    ("host_absent", "quiet", "I wasn’t there"),
)


class OutcomeQuestion(Struct, frozen=True, kw_only=True):
    """Whom the host met, and the page that takes the answer. `counts_as`: what the meeting counts as until then."""

    person: str
    company: str | None
    counts_as: str
    url: str
    workspace: str


def question_of(meeting: Meeting, url: str, workspace: str) -> OutcomeQuestion:
    """Return the question about a meeting; names from outside are one line, and cut."""
    guest = meeting.guest
    name = one_line(guest.name or "") or display_email(guest.email) or one_line(guest.phone or "") or "your guest"
    return OutcomeQuestion(
        person=truncate(name, LONGEST_NAME),
        company=truncate(one_line(meeting.company_name or ""), LONGEST_NAME) or None,
        counts_as="assumed to have taken place" if meeting.evidence == "assumed" else "not reported",
        url=url,
        workspace=workspace,
    )


def answer_url(url: str, answer: MeetingOutcome) -> str:
    """Return the page with this answer chosen."""
    return f"{url}?{urlencode({'answer': answer})}"


def outcome(facts: Facts, question: OutcomeQuestion) -> Letter:
    """Return the letter; `facts` are the host's: their zone, and their name as the reader's."""
    host = first_name(None, facts.meeting.organizer_name)
    end = facts.time_of(facts.meeting.end_time or facts.meeting.start_time)
    of_company = f" of {question.company}" if question.company else ""
    met = (
        Piece("Your call with " if facts.place.is_call else "Your meeting with "),
        Piece(question.person, None, "strong"),
        Piece(f"{of_company} ended at {end.time}."),
    )
    tile_time = f"{facts.when.day}, {facts.when.hours}"
    return Letter(
        subject=f"How did it go with {question.person}?",
        preheader=f"{', '.join(filter(None, (question.company, tile_time)))}. An answer takes two taps.",
        badge=None,
        heading=f"How did it go, {host}?" if host else "How did it go?",
        opening=(paragraph(met, f"Until you answer, it counts as {question.counts_as}."),),
        words=(
            AnswerLinks(tuple(AnswerLink(tone, label, answer_url(question.url, one)) for one, tone, label in _CHOICES)),
        ),
        change=(
            paragraph(
                "Each opens a page that shows your answer and saves it when you say so. ",
                (Piece("Notes, next step and amount", question.url), Piece(" go there too.")),
            ),
        ),
        closing=(
            Ticket(
                title=titled(facts),
                hours=facts.when.hours,
                parts=(f"{facts.when.date},", facts.when.zone),
                tile=facts.when.tile,
                rows=_rows(question),
            ),
        ),
        foot=(
            (Piece(f"You get this because you host meetings in the workspace {question.workspace} of Showup."),),
            (Piece("The links are yours alone and work for 14 days, so forward none of them."),),
        ),
    )


def _rows(question: OutcomeQuestion) -> tuple[Row, ...]:
    names = (("With", question.person), ("Company", question.company))
    return tuple(Row(label, ((Piece(value),),)) for label, value in names if value)
