"""What the page Today shows, as values that its template needs no logic for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, assert_never

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.agenda import AgendaMeeting, State, list_meetings, list_unreported
from showup.reads.booking_page import match_history
from showup.reads.matches import matches_of
from showup.reads.rates import Rate, margin_with
from showup.reads.shell import OUTCOMES_FOR
from showup.reads.today import (
    NewChange,
    RecentHeldRate,
    Similar,
    Week,
    failed_deliveries,
    held_rate,
    list_changes,
    open_questions,
    similar_meetings,
    stuck_deliveries,
    this_week,
    wrong_signatures,
)
from showup.reads.unmatched import newest_suggestions
from showup.web.dashboard import words
from showup.web.dashboard.decisions import DecisionRow, decisions_of
from showup.web.dashboard.words import TheirTime, Viewer, their_time

_NEXT_WITHIN: Final = timedelta(hours=12)
_MAX_ASKED: Final = 5
_MAX_COUNTED: Final = 99
_MAX_PARTS: Final = 4
_FAILURES_FOR: Final = timedelta(days=7)
_REFUSALS_FOR: Final = timedelta(days=1)
_COMPARED: Final = 5
_MAX_NOTE: Final = 280


class MeetingRow(Struct, frozen=True, kw_only=True):
    """One meeting of an agenda."""

    meeting: AgendaMeeting
    state: State
    hour: str
    their: TheirTime | None
    note: str
    can_report: bool
    is_now: bool
    risks: Sequence[str] = ()


class NextMeeting(Struct, frozen=True, kw_only=True):
    """The next meeting. `path`: how they came here, as pairs of an icon, a fact and its time."""

    row: MeetingRow
    headline: str
    hours: str
    path: Sequence[tuple[str, str, str]]
    similar: Similar | None
    quote: str | None
    is_on: bool


class SincePart(Struct, frozen=True, kw_only=True):
    """A part of the sentence on what happened since the last visit."""

    text: str
    is_strong: bool


class Today(Struct, frozen=True, kw_only=True):
    """The page. `now_at`: before which row of today the line of the present stands."""

    who: Literal["mine", "team"]
    title: str
    since: str | None
    parts: Sequence[SincePart]
    next: NextMeeting | None
    rows: Sequence[MeetingRow]
    now_at: int
    tomorrow: Sequence[MeetingRow]
    asked: Sequence[MeetingRow]
    unreported: int
    has_more: bool
    held: RecentHeldRate
    margin_if_answered: int | None
    decisions: Sequence[DecisionRow]
    week: Week
    weekday: str


async def build_today(
    tx: AsyncConnection, session: Session, viewer: Viewer, *, who: str | None, since: datetime | None
) -> Today:
    """Read and arrange the page. `who` of None: the reader's own meetings if they have some, else the team's."""
    permission, now = session.permission, viewer.now
    start = viewer.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    day, next_day = start + timedelta(days=1), start + timedelta(days=2)
    own = session.teammate.email
    if who not in ("mine", "team"):
        who = "mine" if await _has_own(tx, session, start) else "team"
    organizer = own if who == "mine" else None
    meetings = await list_meetings(tx, permission, starts_from=start, starts_before=next_day, organizer=organizer)
    asked = await list_unreported(
        tx, permission, ended_from=now - OUTCOMES_FOR, ended_before=now, organizer=organizer, limit=_MAX_COUNTED + 1
    )
    can_write = permission.allows("write")
    rows = [meeting_row(one, viewer, can_write=can_write) for one in meetings]
    older = [meeting_row(one, viewer, can_write=can_write, is_older=True) for one in asked if one.start_time < start]
    held = await held_rate(tx, permission, organizer=organizer, now=now)
    week_start = start - timedelta(days=start.weekday())
    changes = [] if since is None else await list_changes(tx, permission, since, organizer=organizer)
    today_rows = [row for row in rows if row.meeting.start_time < day]
    return Today(
        who="mine" if who == "mine" else "team",
        title=f"{viewer.local(now):%A} {viewer.local(now).day} {viewer.local(now):%B}",
        since=None if since is None else viewer.moment(since),
        parts=_since_parts(changes, viewer),
        next=await _next(tx, session, viewer, rows, organizer),
        rows=today_rows,
        now_at=sum(row.meeting.start_time <= now for row in today_rows),
        tomorrow=[row for row in rows if row.meeting.start_time >= day],
        asked=older[:_MAX_ASKED],
        unreported=len(asked),
        has_more=len(older) > _MAX_ASKED,
        held=held,
        margin_if_answered=_margin_if_answered(held),
        decisions=decisions_of(
            await open_questions(tx, permission, limit=_MAX_ASKED),
            await wrong_signatures(tx, permission, now - _REFUSALS_FOR) if permission.allows("admin") else [],
            await newest_suggestions(tx, permission, now - OUTCOMES_FOR, limit=_COMPARED),
            await stuck_deliveries(tx, permission, now),
            await failed_deliveries(tx, permission, now - _FAILURES_FOR),
            viewer,
        ),
        week=await this_week(tx, permission, week_start=week_start, now=now, organizer=organizer),
        weekday=f"{viewer.local(now):%A}",
    )


def meeting_row(meeting: AgendaMeeting, viewer: Viewer, *, can_write: bool, is_older: bool = False) -> MeetingRow:
    """Return a meeting as its row shows it."""
    state = meeting.state(viewer.now)
    is_over = meeting.end_time <= viewer.now
    has_begun = meeting.start_time <= viewer.now
    return MeetingRow(
        meeting=meeting,
        state=state,
        hour=viewer.moment(meeting.start_time) if is_older else viewer.hour(meeting.start_time),
        their=their_time(viewer, meeting.start_time, meeting.time_zone),
        note=_note(meeting, viewer, state),
        can_report=can_write and has_begun and meeting.status == "ACCEPTED" and not meeting.simulated,
        is_now=has_begun and not is_over,
        risks=() if has_begun else _risks(meeting),
    )


async def _has_own(tx: AsyncConnection, session: Session, start: datetime) -> bool:
    span = timedelta(days=14)
    found = await list_meetings(
        tx,
        session.permission,
        starts_from=start - span,
        starts_before=start + span,
        organizer=session.teammate.email,
        limit=1,
    )
    return bool(found)


def _note(meeting: AgendaMeeting, viewer: Viewer, state: State) -> str:
    """Return what stands at the end of a row's second line."""
    if state == "assumed":
        return f"ended {viewer.relative(meeting.end_time)}, by the clock"
    if state == "unreported":
        return "nobody has said"
    if state == "upcoming" and meeting.confirmed_at is not None:
        return "said yes"
    return ""


def _risks(meeting: AgendaMeeting) -> Sequence[str]:
    """Return in facts why somebody may not come; an unsocial hour is marked where their time stands."""
    moved = ("", "", "moved twice")[meeting.reschedule_count] if meeting.reschedule_count <= 2 else "moved often"
    return [fact for fact in (moved, "reminder bounced" if meeting.has_bounced else "") if fact]


async def _next(
    tx: AsyncConnection, session: Session, viewer: Viewer, rows: Sequence[MeetingRow], organizer: str | None
) -> NextMeeting | None:
    now = viewer.now
    ahead = (
        row
        for row in rows
        if row.meeting.status == "ACCEPTED"
        and now < row.meeting.end_time
        and row.meeting.start_time <= now + _NEXT_WITHIN
    )
    row = next(ahead, None)
    if row is None:
        return None
    meeting = row.meeting
    is_on = meeting.start_time <= now
    end = viewer.hour(meeting.end_time)
    similar = await similar_meetings(
        tx,
        session.permission,
        lead=meeting.start_time - meeting.booked_at,
        moves=meeting.reschedule_count,
        organizer=organizer,
        now=now,
    )
    note = meeting.notes or ""
    return NextMeeting(
        row=row,
        headline=f"now, until {end}" if is_on else viewer.relative(meeting.start_time),
        hours=f"{row.hour} – {end}",
        path=[*await _campaign_path(tx, session, meeting, viewer), *_path(meeting, viewer)],
        similar=similar,
        quote=f"{note[:_MAX_NOTE].rstrip()}…" if len(note) > _MAX_NOTE else note or None,
        is_on=is_on,
    )


async def _campaign_path(
    tx: AsyncConnection, session: Session, meeting: AgendaMeeting, viewer: Viewer
) -> list[tuple[str, str, str]]:
    """Return the campaign that wrote to them, and their answer; nothing if no attendee is a lead."""
    for match in await matches_of(tx, session.permission, meeting.id):
        history = await match_history(tx, session.permission, match["id"])
        first = history and (history.first_sent_at or history.last_sent_at)
        path = [("mail", words.clipped(match["campaign"]["name"]), f"first mail {viewer.day(first)}" if first else "")]
        if history is not None and history.replied_at is not None:
            path.append(("reply", "Replied", viewer.day(history.replied_at)))
        return path
    return []


def _path(meeting: AgendaMeeting, viewer: Viewer) -> list[tuple[str, str, str]]:
    days = (viewer.local(meeting.start_time).date() - viewer.local(meeting.booked_at).date()).days
    ahead = "for the same day" if days == 0 else f"{words.count(days, 'day')} ahead"
    path = [("booking", "Booked", f"{viewer.day(meeting.booked_at)}, {ahead}")]
    if meeting.reschedule_count:
        path.append(("moved", "Moved", words.count(meeting.reschedule_count, "time")))
    if meeting.reminders:
        sent = f"{meeting.reminders_delivered} of {meeting.reminders} reminders"
        path.append(("bell", sent, "one bounced" if meeting.has_bounced else "delivered"))
    if meeting.confirmed_at is not None:
        path.append(("check", "Said yes", viewer.moment(meeting.confirmed_at)))
    return path


def _since_parts(changes: Sequence[NewChange], viewer: Viewer) -> list[SincePart]:
    return [_since_part(one, viewer) for one in changes[:_MAX_PARTS]]


def _since_part(change: NewChange, viewer: Viewer) -> SincePart:
    number = len(change.names)
    name = change.names[0]
    match change.kind:
        case "booked":
            text = f"{name} booked" if number == 1 else f"{number} people booked"
        case "rescheduled":
            when = "" if change.start_time is None else f" to {viewer.day(change.start_time)}"
            text = f"{name} moved{when}" if number == 1 else f"{number} moved their meeting"
        case "cancelled":
            text = f"{name} called off" if number == 1 else f"{number} called off"
        case "won":
            text = f"{name} is won" if number == 1 else f"{number} deals are won"
        case "lost":
            text = f"{name} is lost" if number == 1 else f"{number} deals are lost"
        case "proposal":
            text = f"{name} wants a proposal" if number == 1 else f"{number} want a proposal"
        case _:
            assert_never(change.kind)
    return SincePart(text=text, is_strong=change.kind in ("booked", "won", "proposal"))


def _margin_if_answered(held: RecentHeldRate) -> int | None:
    """Return the doubt that would be left if all unreported meetings were reported; None if it would be the same."""
    rate: Rate | None = held.rate
    if rate is None or rate.is_few or not held.unreported:
        return None
    margin = margin_with(rate, held.unreported)
    return margin if margin < rate.margin else None
