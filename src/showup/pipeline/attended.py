"""Attendance, no-shows and their evidence: the clock alone (`assumed`) or a witness's report (`reported`) (PI5).

The clock never overrides a report. A missing host says nothing about the guest.
"""

from typing import Literal

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, MeetingOutcome
from showup.deals.deal import DealEventKind
from showup.events.booking import (
    AssignmentDisputed,
    HostMissed,
    InviteDeclined,
    MeetingEnded,
    RecordingReady,
    TranscriptReady,
)
from showup.events.details import AttendeeDetails
from showup.events.envelope import BookingRecord
from showup.pipeline.booking_updates import apply_details, becomes_live, create_booking, reported_status
from showup.pipeline.decision import Decision, Rejected
from showup.pipeline.rules import Rules

_OUTDATED_TIME = "the event is about an earlier time of the meeting"


def meeting_started(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    """Apply the scheduled start; it creates the booking if it was unknown, and accepts it as its status says."""
    known = _at_scheduled_time(before, record, rules, "start")
    if isinstance(known, Rejected):
        return known
    return Decision(
        after=known,
        what="meeting.started",
        because="the scheduled start time passed" if known.is_live else f"the booking is {known.status}",
        deal_events=("booked",) if becomes_live(before, known) else (),
    )


def meeting_ended(
    before: Booking | None, event: MeetingEnded, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply the scheduled end: attended, unless the source or a report says otherwise."""
    known = _at_scheduled_time(before, record, rules, "end")
    if isinstance(known, Rejected):
        return known
    if not known.is_live:
        return Decision(after=known, what="meeting.ended", because=f"the booking is {known.status}")
    organizer_is_known_absent = known.organizer_email in known.absent_hosts
    if event.host_absent:
        known = _without_host(known, known.organizer_email)
    host_absent = known.host_absent
    details_by_key = {one.key: one for one in event.booking.attendees}
    attendees = tuple(
        _attendee_after_end(one, details_by_key.get(one.key), host_absent, known.outcome, rules)
        for one in known.attendees
    )
    after = replace(known, attendees=attendees)
    because = _ended_reason(after)
    if event.host_absent and not host_absent and not organizer_is_known_absent:
        because += f"; the organizer {known.organizer_email} was absent, and another host may have held the meeting"
    deal_events: tuple[DealEventKind, ...] = ("booked",) if becomes_live(before, known) else ()
    return Decision(
        after=after,
        what="meeting.ended",
        because=because,
        deal_events=(*deal_events, *attendance_deal_events(before, after)),
    )


def _at_scheduled_time(
    before: Booking | None, record: BookingRecord, rules: Rules, moment: Literal["start", "end"]
) -> Booking | Rejected:
    """Return the booking as of its scheduled start or end, or why the event has no effect.

    The body is the booking's row as it was sent. If it says that an accepted meeting is cancelled, nobody met; the
    cancellation has its own event.
    """
    details = record.event.booking
    status = reported_status(before, details)
    if before is None:
        return create_booking(record, status, rules)
    if before.is_live and details.status in ("CANCELLED", "REJECTED"):
        return Rejected(
            because=f"Cal.com lists the booking as {details.status}, so its scheduled {moment} has no effect"
        )
    if status == before.status and not before.is_live:
        return Rejected(because=f"the booking is {before.status}, so its scheduled {moment} has no effect")
    if before.start_time > record.source_at:
        return Rejected(because=_OUTDATED_TIME)
    return replace(apply_details(before, record, rules), status=status)


def attendance_reported(before: Booking | None, record: BookingRecord) -> Decision | Rejected:
    """Apply a report that marks attendees as absent, or removes the mark."""
    assert before is not None, "an attendance report can't create a booking"
    if not before.is_live:
        return Rejected(because=f"the booking is {before.status}, so no one can be absent")
    marks = {one.key: one.attended for one in record.event.booking.attendees}
    known = {one.key for one in before.attendees}
    is_over = (before.end_time or before.start_time) <= record.source_at
    attendees = tuple(
        _mark_attendance(one, marks[one.key], is_over=is_over) if one.key in marks else one for one in before.attendees
    )
    after = replace(before, attendees=attendees)
    summary = ", ".join(f"{who} {'came' if came else 'did not come'}" for who, came in marks.items())
    unknown = [who for who in marks if who not in known]
    if len(unknown) == len(marks):
        return Rejected(because=f"not among the attendees: {', '.join(unknown) or 'no one'}")
    return Decision(
        after=after, what="attendance.reported", because=summary, deal_events=attendance_deal_events(before, after)
    )


def guests_missed(before: Booking | None, _record: BookingRecord) -> Decision | Rejected:
    """Apply Cal Video's report that no guest joined."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    if not before.is_live:
        return Rejected(because=f"the booking is {before.status}, so no one can be absent")
    attendees = tuple(
        one if one.left_at is not None else replace(one, attended=False, evidence="reported")
        for one in before.attendees
    )
    after = replace(before, attendees=attendees)
    return Decision(
        after=after,
        what="attendance.reported",
        because="Cal Video reported that no guest joined",
        deal_events=attendance_deal_events(before, after),
    )


def host_missed(before: Booking | None, event: HostMissed) -> Decision | Rejected:
    """Apply Cal Video's report that a host did not join."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    if not before.is_live:
        return Rejected(because=f"the booking is {before.status}, so no one can be absent")
    who = event.host_email or before.organizer_email
    missed = _without_host(before, who)
    if not missed.host_absent:
        role = "organizer" if who == before.organizer_email else "co-host"
        others = "another host may have held the meeting" if role == "organizer" else "the meeting has other hosts"
        return Decision(after=missed, what="host.missed", because=f"the {role} {who} did not join; {others}")
    attendees = tuple(
        replace(one, attended=None, evidence=None) if one.evidence == "assumed" else one for one in before.attendees
    )
    after = replace(missed, attendees=attendees)
    return Decision(
        after=after,
        what="host.missed",
        because=f"Cal Video reported that {who or 'the host'} did not join",
        deal_events=attendance_deal_events(before, after),
    )


def _without_host(booking: Booking, host: str | None) -> Booking:
    """Return the booking with this host absent; the meeting had no host only if all of them were absent (F18)."""
    absent = booking.absent_hosts | ({host} if host is not None else set())
    hosts = booking.co_hosts | ({booking.organizer_email} if booking.organizer_email is not None else set())
    host_absent = booking.host_absent or hosts <= absent
    return replace(booking, absent_hosts=absent, host_absent=host_absent)


def recording_ready(before: Booking | None, event: RecordingReady) -> Decision:
    """Link the recording to the booking."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    after = replace(before, recording_url=event.url or before.recording_url)
    return Decision(after=after, what="recording.ready", because="Cal Video recorded the meeting")


def transcript_ready(before: Booking | None, event: TranscriptReady) -> Decision:
    """Link the transcript to the booking."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    after = replace(before, transcript_url=event.url or before.transcript_url)
    return Decision(after=after, what="transcript.ready", because="Cal Video transcribed the meeting")


def invite_declined(before: Booking | None, event: InviteDeclined) -> Decision:
    """Record a declined calendar invite; Cal.com keeps the booking, so Showup keeps it too."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    because = f"{event.email or 'an attendee'} declined the calendar invitation; the booking is unchanged"
    return Decision(after=before, what="invite.declined", because=because)


def assignment_disputed(before: Booking | None, event: AssignmentDisputed) -> Decision:
    """Record a teammate's report that the booking is misassigned; Cal.com has not reassigned it."""
    assert before is not None, "the event lists no attendees, so it can't create a booking"
    correction = f"; the correct host is {event.correct_organizer}" if event.correct_organizer else ""
    because = f"{event.by or 'a teammate'} reported a wrong assignment{correction}"
    return Decision(after=before, what="assignment.disputed", because=because)


def _attendee_after_end(
    attendee: Attendee, details: AttendeeDetails | None, host_absent: bool, outcome: MeetingOutcome | None, rules: Rules
) -> Attendee:
    if attendee.left_at is not None:
        return attendee
    if details is not None and details.attended is not None:
        return replace(attendee, attended=details.attended, evidence="reported")
    if details is not None and details.no_show:
        return replace(attendee, attended=False, evidence="reported")
    if attendee.evidence == "reported" or rules.meeting_ended == "unreported" or outcome == "rescheduled":
        return attendee
    if host_absent:
        return replace(attendee, attended=None, evidence=None)
    return replace(attendee, attended=True, evidence="assumed")


def _mark_attendance(attendee: Attendee, came: bool | None, *, is_over: bool) -> Attendee:
    """Set or remove an absence mark: removed before the end it means unknown, after the end it means attended."""
    if came and not is_over:
        return replace(attendee, attended=None, evidence=None)
    return replace(attendee, attended=came, evidence="reported")


def attendance_deal_events(before: Booking | None, after: Booking) -> tuple[DealEventKind, ...]:
    """Return the deal events that a change of attendance causes."""
    attended_before = before.attended if before is not None else None
    if attended_before == after.attended:
        return ()
    return ("showed",) if after.attended else ("unshowed",)


def _ended_reason(after: Booking) -> str:
    if after.host_absent:
        return "the scheduled end time passed; the host was absent"
    if after.attended is None:
        return "the scheduled end time passed; no attendance was reported"
    attendance = "the attendee came" if after.attended else "the attendee did not come"
    return f"the scheduled end time passed; {attendance} ({after.evidence})"
