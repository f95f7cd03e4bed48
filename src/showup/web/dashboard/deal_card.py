"""A card of the pipeline board: what is next, what it waits for, and whether it has waited longer than usual."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from showup.analysis.distribution import format_hours
from showup.analysis.movement import Stage
from showup.reads.board_cards import Card, State, TrailMeeting
from showup.reads.rates import FEW
from showup.web.dashboard import words
from showup.web.dashboard.words import Viewer

_ASKED_FOR: Final = timedelta(days=14)
_WORDS: Final[dict[State, str]] = {
    "pending": "waits for your yes",
    "upcoming": "upcoming",
    "showed": "showed, reported",
    "assumed": "showed, assumed by the clock",
    "noshow": "no-show",
    "host": "host absent",
    "unreported": "unreported",
    "rescheduled": "another time is coming",
    "cancelled": "called off",
}


class NextLine(Struct, frozen=True, kw_only=True):
    """The line about what is next: an icon, words in bold, and the rest. `kind` sets its colour."""

    kind: Literal["soon", "later", "ask", "warn"]
    icon: str
    strong: str
    rest: str


class TrailMark(Struct, frozen=True, kw_only=True):
    """The mark of a meeting, and its words."""

    state: State
    words: str


class CardView(Struct, frozen=True, kw_only=True):
    """A card. `asked`: the meeting whose outcome can be reported on it; `late`: why the days here are amber."""

    card: Card
    next: NextLine
    people: str
    trail: Sequence[TrailMark]
    days: str
    late: str | None
    asked: UUID | None


def card_view(card: Card, viewer: Viewer, stay: Stage | None, *, can_write: bool) -> CardView:
    """Return a deal as its card shows it. `stay`: how long deals stay in its stage."""
    now = viewer.now
    asked = _asked(card, now)
    limit = None if stay is None or stay.moved_on.total < FEW else stay.time.p90_hours
    is_late = limit is not None and now - card.stage_entered_at > timedelta(hours=limit)
    return CardView(
        card=card,
        next=_next(card, viewer, asked),
        people=", ".join(words.clipped(name) for name in card.people),
        trail=[TrailMark(state=one.state(now), words=_WORDS[one.state(now)]) for one in card.trail],
        days=stay_words(card.stage_entered_at, now),
        late=f"9 of 10 leave this stage within {format_hours(max(limit, 1))}"
        if is_late and limit is not None
        else None,
        asked=asked.id if asked is not None and can_write and not asked.simulated else None,
    )


def stay_words(since: datetime, now: datetime) -> str:
    """Return how long a deal is in its stage."""
    age = now - since
    if age < timedelta(hours=1):
        return f"{max(int(age.total_seconds() // 60), 0)} min here"
    if age < timedelta(days=1):
        return f"{words.count(int(age.total_seconds() // 3600), 'hour')} here"
    return f"{words.count(age.days, 'day')} here"


def _asked(card: Card, now: datetime) -> TrailMeeting | None:
    """Return the last meeting, if it ended not long ago and only the clock knows how it went."""
    over = [one for one in card.trail if one.end_time <= now and one.state(now) != "cancelled"]
    last = over[-1] if over else None
    if last is None or card.next is not None or now - last.end_time > _ASKED_FOR:
        return None
    return last if last.state(now) in ("assumed", "unreported") else None


def _next(card: Card, viewer: Viewer, asked: TrailMeeting | None) -> NextLine:
    now = viewer.now
    if card.next is not None:
        return _ahead(card, card.next, viewer)
    if asked is not None:
        known = asked.state(now) == "assumed"
        return NextLine(
            kind="ask",
            icon="info",
            strong="",
            rest="Only the clock says they came" if known else "Nobody has said how it went",
        )
    last = card.trail[-1] if card.trail else None
    if (
        last is not None
        and last.state(now) == "showed"
        and (day := viewer.day(last.start_time)) in ("today", "yesterday")
    ):
        step = words.clipped(last.next_step) if last.next_step else "say what is next"
        return NextLine(kind="ask", icon="check", strong=f"Met {day}", rest=f", {step[:1].lower()}{step[1:]}")
    return NextLine(kind="warn", icon="alert", strong="", rest="No next meeting")


def _ahead(card: Card, meeting: TrailMeeting, viewer: Viewer) -> NextLine:
    start, notes = meeting.start_time, _notes(card, meeting)
    if start <= viewer.now:
        return NextLine(kind="soon", icon="video", strong="Now", rest=f", until {viewer.hour(meeting.end_time)}")
    moment = f"{words.sentence(viewer.day(start))} {viewer.hour(start)}"
    if viewer.day(start) == "today":
        icon = "video" if meeting.has_video else "booking"
        return NextLine(kind="soon", icon=icon, strong=moment, rest=f", {notes or viewer.relative(start)}")
    return NextLine(kind="later", icon="booking", strong="", rest=f"{moment}, {notes}" if notes else moment)


def _notes(card: Card, meeting: TrailMeeting) -> str:
    """Return in a fact why somebody may not come to the next meeting."""
    if meeting.moves:
        return {1: "moved once", 2: "moved twice"}.get(meeting.moves, "moved often")
    return "second try" if any(one.attended is False for one in card.trail) else ""
