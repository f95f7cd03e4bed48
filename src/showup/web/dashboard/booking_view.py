"""What the page of a booking shows, as values that its template needs no logic for."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.reads.agenda import AgendaMeeting, State, find_meeting, state_of
from showup.reads.booking_page import (
    MAX_ATTENDEES,
    BookedTime,
    BookingFacts,
    BookingSeat,
    MatchHistory,
    attendance_evidence,
    list_messages,
    list_seats,
    load_facts,
    match_history,
    neighbors,
)
from showup.reads.matches import matches_of
from showup.reads.record_timeline import Shown, load_timeline
from showup.reads.rows import can_see_uids
from showup.reads.timeline import ids_of_booking
from showup.web.dashboard.approval_view import undoable_approvals
from showup.web.dashboard.evidence import Evidence, evidence_of
from showup.web.dashboard.message_runs import MessageRun, counts_of, message_runs
from showup.web.dashboard.timeline_parts import MeetingNames, TimelineContext
from showup.web.dashboard.timeline_view import TimelineView, build_timeline
from showup.web.dashboard.words import TheirTime, Viewer, clipped, count, sentence, their_hour, their_time

_METHODS: Final = {
    "email": "Exact address",
    "normalized_email": "Same mailbox",
    "other_email": "Another address of theirs",
    "merged_person": "Address of a merged person",
    "name": "Name and company",
    "manual": "Matched by hand",
}
_PLACES: Final = {"organizer_place": "at the host's", "attendee_place": "at the attendee's"}
_MAX_MATCHES: Final = 5
# What every form of Cal.com asks; the page says it elsewhere.
_KNOWN_QUESTIONS: Final = frozenset(
    {"name", "email", "location", "guests", "title", "notes", "rescheduleReason", "attendeePhoneNumber"}
)
_MAX_ANSWERS: Final = 20
_WEB: Final = ("https://", "http://")


class AttendeeRow(Struct, frozen=True, kw_only=True):
    """One attendee; `hour` is what their clock shows now. Who gave the seat back is reported no more."""

    seat: BookingSeat
    state: State
    hour: str | None
    can_report: bool


class TimeRow(Struct, frozen=True, kw_only=True):
    """A time that the meeting has or had."""

    words: str
    their: str | None
    is_current: bool


class MatchRow(Struct, frozen=True, kw_only=True):
    """A lead that an attendee is, how that was found, and what happened in its campaign."""

    match: Mapping[str, Any]
    method: str
    history: str


class BookingView(Struct, frozen=True, kw_only=True):
    """The page. `ids` is empty for a reader who must not see them; `hidden_attendees` are more than the page shows."""

    meeting: AgendaMeeting
    facts: BookingFacts
    state: State
    when: str
    note: str
    their: TheirTime | None
    ahead: str
    place: str
    place_url: str | None
    evidence: Evidence
    attendees: Sequence[AttendeeRow]
    hidden_attendees: bool
    messages: Sequence[MessageRun]
    message_counts: str
    timeline: TimelineView
    matches: Sequence[MatchRow]
    answers: Sequence[tuple[str, str]]
    times: Sequence[TimeRow]
    ids: Sequence[str]
    share: float
    before: UUID | None
    after: UUID | None

    @property
    def first_name(self) -> str:
        """Return the booker's first name."""
        return clipped(self.meeting.person.split(" ")[0])


async def build_booking(
    tx: AsyncConnection, session: Session, viewer: Viewer, booking_id: UUID, *, shown: Shown, limit: int
) -> BookingView | None:
    """Read and arrange the page; None if the reader may not see the booking."""
    permission, now = session.permission, viewer.now
    meeting = await find_meeting(tx, permission, booking_id)
    facts = await load_facts(tx, permission, booking_id)
    if meeting is None or facts is None:
        return None
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    state = meeting.state(now)
    has_begun = meeting.start_time <= now
    can_report = permission.allows("write") and has_begun and meeting.status == "ACCEPTED"
    seats = await list_seats(tx, booking_id)
    messages = await list_messages(tx, permission, booking_id)
    reports = await attendance_evidence(tx, permission, booking_id)
    runs = message_runs(messages, viewer, is_follow_up_on=rules.follow_up, state=state)
    ids = await ids_of_booking(tx, booking_id)
    timeline = await load_timeline(
        tx, permission, booking_ids=ids, deal_id=facts.deal_id, shown=shown, limit=limit + 1, is_of_booking=True
    )
    context = TimelineContext(
        viewer=viewer,
        actor=session.teammate.actor,
        meetings={booking_id: _names(meeting)},
        stages=rules.stages,
        approvals=await undoable_approvals(tx, permission, timeline),
    )
    before, after = await neighbors(tx, permission, booking_id)
    place, place_url = _place(meeting, facts)
    return BookingView(
        meeting=meeting,
        facts=facts,
        state=state,
        when=_when(viewer, meeting),
        note=_note(viewer, meeting, state),
        their=their_time(viewer, meeting.start_time, meeting.time_zone),
        ahead=_ahead(viewer, meeting),
        place=place,
        place_url=place_url,
        evidence=evidence_of(meeting, state, reports, messages, viewer, session.teammate.actor, place=place),
        attendees=[_attendee(one, meeting, viewer, can_report=can_report) for one in seats[:MAX_ATTENDEES]],
        hidden_attendees=len(seats) > MAX_ATTENDEES,
        messages=runs,
        message_counts=counts_of(messages),
        timeline=build_timeline(timeline, context, shown=shown, limit=limit),
        matches=[
            MatchRow(
                match=one,
                method=_METHODS.get(one["method"], str(one["method"])),
                history=_history(await match_history(tx, permission, one["id"]), viewer),
            )
            for one in (await matches_of(tx, permission, booking_id))[:_MAX_MATCHES]
        ],
        answers=_answers(meeting, facts),
        times=_times(facts.times, meeting, viewer),
        ids=_ids(facts) if can_see_uids(permission) else (),
        share=_share(facts.deal_stage, rules.stages),
        before=before,
        after=after,
    )


def _names(meeting: AgendaMeeting) -> MeetingNames:
    return MeetingNames(
        kind=meeting.kind,
        person=meeting.person,
        time_zone=meeting.time_zone,
        end_time=meeting.end_time,
        minutes=round((meeting.end_time - meeting.start_time) / timedelta(minutes=1)),
        href=None,
    )


def _when(viewer: Viewer, meeting: AgendaMeeting) -> str:
    hours = f"{viewer.hour(meeting.start_time)} – {viewer.hour(meeting.end_time)}"
    return f"{sentence(viewer.day(meeting.start_time))} {hours}"


def _note(viewer: Viewer, meeting: AgendaMeeting, state: State) -> str:
    if state == "cancelled":
        return "declined" if meeting.status == "REJECTED" else "cancelled"
    if meeting.end_time <= viewer.now:
        days = (viewer.local(viewer.now).date() - viewer.local(meeting.end_time).date()).days
        return f"ended {viewer.relative(meeting.end_time)}" if days == 0 else f"{count(days, 'day')} ago"
    if meeting.start_time <= viewer.now:
        return f"now, until {viewer.hour(meeting.end_time)}"
    return viewer.relative(meeting.start_time)


def _ahead(viewer: Viewer, meeting: AgendaMeeting) -> str:
    days = (viewer.local(meeting.start_time).date() - viewer.local(meeting.booked_at).date()).days
    return "for the same day" if days <= 0 else f"{count(days, 'day')} ahead"


def _place(meeting: AgendaMeeting, facts: BookingFacts) -> tuple[str, str | None]:
    """Return where the meeting is, and its link, if it has one that the reader may see."""
    url = meeting.meeting_url if meeting.meeting_url and meeting.meeting_url.startswith(_WEB) else None
    if url is not None:
        host = url.split("/")[2]
        known = {"zoom.us": "Zoom", "meet.google.com": "Google Meet", "teams.microsoft.com": "Teams"}
        names = [name for domain, name in known.items() if host == domain or host.endswith(f".{domain}")]
        return (names[0] if names else "Cal Video" if host.endswith("cal.com") else host), url
    if facts.location is not None:
        place = _PLACES.get(facts.location_kind or "")
        return f"{facts.location}, {place}" if place else facts.location, None
    return "–", None


def _attendee(seat: BookingSeat, meeting: AgendaMeeting, viewer: Viewer, *, can_report: bool) -> AttendeeRow:
    state = state_of(
        meeting.status,
        attended=seat.attended,
        evidence=seat.evidence,
        host_absent=meeting.host_absent,
        outcome=meeting.outcome if seat.is_booker else None,
        is_over=meeting.end_time <= viewer.now,
    )
    hour = their_hour(viewer, viewer.now, seat.time_zone)
    has_left = seat.cancelled_at is not None
    return AttendeeRow(
        seat=seat, state="cancelled" if has_left else state, hour=hour, can_report=can_report and not has_left
    )


def _answers(meeting: AgendaMeeting, facts: BookingFacts) -> list[tuple[str, str]]:
    """Return the answers to the form's own questions."""
    answers = [(slug, text) for slug, text in facts.answers.items() if slug not in _KNOWN_QUESTIONS]
    return [(slug, text) for slug, text in answers if text != meeting.notes][:_MAX_ANSWERS]


def _history(history: MatchHistory | None, viewer: Viewer) -> str:
    if history is None:
        return ""
    first = history.first_sent_at or history.last_sent_at
    facts = [
        f"First mail {viewer.day(first)}" if first else "",
        f"replied {viewer.day(history.replied_at)}" if history.replied_at else "",
        f"interested {viewer.day(history.interested_at)}" if history.interested_at else "",
    ]
    return sentence(" · ".join(one for one in facts if one))


def _times(times: Sequence[BookedTime], meeting: AgendaMeeting, viewer: Viewer) -> list[TimeRow]:
    """Return the present time, and those before it, latest first; a uid that kept its time is no other time."""
    starts = [one for one in reversed(times) if one.start_time is not None]
    rows, seen = [], {meeting.start_time}
    current = BookedTime(start_time=meeting.start_time, end_time=meeting.end_time, uid=None)
    for one in [current, *starts]:
        if one is not current and one.start_time in seen:
            continue
        assert one.start_time is not None, "times without a start are left out"
        seen.add(one.start_time)
        end = f" – {viewer.hour(one.end_time)}" if one.end_time else ""
        their = their_hour(viewer, one.start_time, meeting.time_zone)
        words = f"{sentence(viewer.day(one.start_time))} {viewer.hour(one.start_time)}{end}"
        rows.append(TimeRow(words=words, their=f"{their} there" if their else None, is_current=one is current))
    return rows


def _ids(facts: BookingFacts) -> list[str]:
    return list(dict.fromkeys(one.uid for one in reversed(facts.times) if one.uid))


def _share(stage: str | None, stages: Sequence[str]) -> float:
    return stages.index(stage) / max(len(stages) - 1, 1) if stage in stages else 0.0
