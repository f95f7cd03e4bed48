"""Who came, and what that rests on: the clock alone (`assumed`), or somebody who saw it (`reported`) (PI5).

A report is never overruled by the clock. That the host was missing says nothing about the guest.
"""

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, MeetingOutcome
from showup.deals.deal import TurnKind
from showup.events import (
    AssignmentDisputed,
    AttendeeSeen,
    HostMissed,
    InviteDeclined,
    MeetingEnded,
    News,
    RecordingReady,
    TranscriptReady,
)
from showup.pipeline.decision import Decision, Rejection
from showup.pipeline.rules import Rules
from showup.pipeline.seeing import founded, overlaid

_ANOTHER_TIME = "the clock ran on for a time that the meeting no longer has"


def meeting_started(before: Booking | None, news: News, rules: Rules) -> Decision | Rejection:
    """The clock reached the start; whoever heard of no booking before has now."""
    if before is not None and not before.is_live:
        return Rejection(because=f"the clock ran on for a booking that is {before.status}")
    if before is not None and before.start_time > news.source_at:
        return Rejection(because=_ANOTHER_TIME)
    after = overlaid(before, news, rules) if before is not None else founded(news, "ACCEPTED", rules)
    turns: tuple[TurnKind, ...] = ("booked",) if before is None else ()
    return Decision(after=after, what="meeting.started", because="the scheduled start came", turns=turns)


def meeting_ended(before: Booking | None, event: MeetingEnded, news: News, rules: Rules) -> Decision | Rejection:
    """The clock reached the end: attended, unless the source or a report says otherwise."""
    if before is not None and not before.is_live:
        return Rejection(because=f"the clock ran on for a booking that is {before.status}")
    if before is not None and before.start_time > news.source_at:
        return Rejection(because=_ANOTHER_TIME)
    known = overlaid(before, news, rules) if before is not None else founded(news, "ACCEPTED", rules)
    host_absent = event.host_absent or known.host_absent
    seen = {one.email or one.phone or one.name: one for one in event.booking.attendees}
    attendees = tuple(_after_end(one, seen.get(one.key), host_absent, known.outcome, rules) for one in known.attendees)
    after = replace(known, attendees=attendees, host_absent=host_absent)
    turns: tuple[TurnKind, ...] = ("booked",) if before is None else ()
    return Decision(
        after=after,
        what="meeting.ended",
        because=_why_ended(after),
        turns=(*turns, *attendance_turns(before, after)),
    )


def reported(before: Booking | None, news: News) -> Decision | Rejection:
    """Somebody marked attendees as absent, or took the mark back."""
    assert before is not None, "a report never founds a booking"
    if not before.is_live:
        return Rejection(because=f"nobody can miss a booking that is {before.status}")
    marks = {one.email or one.phone or "": one.attended for one in news.event.booking.attendees}
    known = {one.key for one in before.attendees}
    over = (before.end_time or before.start_time) <= news.source_at
    attendees = tuple(_marked(one, marks[one.key], over=over) if one.key in marks else one for one in before.attendees)
    after = replace(before, attendees=attendees)
    said = ", ".join(f"{who} {'came' if came else 'did not come'}" for who, came in marks.items())
    unknown = [who for who in marks if who not in known]
    if len(unknown) == len(marks):
        return Rejection(because=f"{', '.join(unknown) or 'nobody'} is not among the attendees")
    return Decision(after=after, what="attendance.reported", because=said, turns=attendance_turns(before, after))


def guests_missed(before: Booking | None, _news: News) -> Decision | Rejection:
    """Cal Video watched the room, and no guest came."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    if not before.is_live:
        return Rejection(because=f"nobody can miss a booking that is {before.status}")
    attendees = tuple(
        one if one.left_at is not None else replace(one, attended=False, evidence="reported")
        for one in before.attendees
    )
    after = replace(before, attendees=attendees)
    return Decision(
        after=after,
        what="attendance.reported",
        because="Cal Video saw no guest join",
        turns=attendance_turns(before, after),
    )


def host_missed(before: Booking | None, event: HostMissed) -> Decision | Rejection:
    """Cal Video watched the room, and a host did not come."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    if not before.is_live:
        return Rejection(because=f"nobody can miss a booking that is {before.status}")
    who = event.host_email or before.organizer_email
    if who != before.organizer_email:
        return Decision(after=before, what="host.missed", because=f"the co-host {who} did not join")
    attendees = tuple(
        replace(one, attended=None, evidence=None) if one.evidence == "assumed" else one for one in before.attendees
    )
    after = replace(before, attendees=attendees, host_absent=True)
    return Decision(
        after=after,
        what="host.missed",
        because=f"Cal Video did not see {who or 'the host'} join",
        turns=attendance_turns(before, after),
    )


def recording_ready(before: Booking | None, event: RecordingReady) -> Decision:
    """The recording is linked to the booking."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    after = replace(before, recording_url=event.url or before.recording_url)
    return Decision(after=after, what="recording.ready", because="Cal Video recorded the meeting")


def transcript_ready(before: Booking | None, event: TranscriptReady) -> Decision:
    """The transcript is linked to the booking."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    after = replace(before, transcript_url=event.url or before.transcript_url)
    return Decision(after=after, what="transcript.ready", because="Cal Video wrote the meeting down")


def invite_declined(before: Booking | None, event: InviteDeclined) -> Decision:
    """An attendee said no in their calendar; at Cal.com the booking stands, so it stands here."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    because = f"{event.email or 'an attendee'} declined the calendar entry; the booking stands"
    return Decision(after=before, what="invite.declined", because=because)


def assignment_disputed(before: Booking | None, event: AssignmentDisputed) -> Decision:
    """A teammate says that the booking belongs to somebody else; Cal.com has not reassigned it."""
    assert before is not None, "this news lists no attendee, so it never founds a booking"
    right = f"; it belongs to {event.correct_organizer}" if event.correct_organizer else ""
    because = f"{event.by or 'a teammate'} reported a wrong assignment{right}"
    return Decision(after=before, what="assignment.disputed", because=because)


def _after_end(
    attendee: Attendee, seen: AttendeeSeen | None, host_absent: bool, outcome: MeetingOutcome | None, rules: Rules
) -> Attendee:
    if attendee.left_at is not None:
        return attendee
    if seen is not None and seen.attended is not None:
        return replace(attendee, attended=seen.attended, evidence="reported")
    if seen is not None and seen.no_show:
        return replace(attendee, attended=False, evidence="reported")
    if attendee.evidence == "reported" or rules.meeting_ended == "unreported" or outcome == "rescheduled":
        return attendee
    if host_absent:
        return replace(attendee, attended=None, evidence=None)
    return replace(attendee, attended=True, evidence="assumed")


def _marked(attendee: Attendee, came: bool | None, *, over: bool) -> Attendee:
    """A mark taken back before the end leaves the question open; after it, they came."""
    if came and not over:
        return replace(attendee, attended=None, evidence=None)
    return replace(attendee, attended=came, evidence="reported")


def attendance_turns(before: Booking | None, after: Booking) -> tuple[TurnKind, ...]:
    """What a change of attendance means for the deal."""
    was = before.attended if before is not None else None
    if was == after.attended:
        return ()
    return ("showed",) if after.attended else ("unshowed",)


def _why_ended(after: Booking) -> str:
    if after.host_absent:
        return "the scheduled end came, and the host was not there"
    if after.attended is None:
        return "the scheduled end came, and nobody has said who was there"
    came = "the attendee came" if after.attended else "the attendee did not come"
    return f"the scheduled end came; {came} ({after.evidence})"
