"""What the page of a deal shows, as values that its template needs no logic for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.analysis.movement import Stage
from showup.database.engine import driver_connection
from showup.deals.deal import DealChange
from showup.inbox.rules import in_force
from showup.reads.agenda import find_meeting
from showup.reads.deal_meetings import DealMeeting, meetings_of_deals, next_of, trail_of
from showup.reads.deal_page import (
    DealHead,
    DealPerson,
    DestinationUpdate,
    changes_of_deal,
    destination_updates,
    load_deal_head,
    neighbors,
    next_step_report,
    people_of_deal,
    workspace_owners,
)
from showup.reads.proposals import FoundProposal, proposals_of_bookings
from showup.reads.rates import FEW
from showup.reads.record_timeline import LoggedChange, Shown, load_timeline
from showup.reads.stage_stays import days_to_win, stage_stays
from showup.reads.today import Similar, similar_meetings
from showup.reads.usual_currency import usual_currency
from showup.web.dashboard.approval_view import undoable_approvals
from showup.web.dashboard.timeline_parts import MeetingNames, TimelineContext
from showup.web.dashboard.timeline_view import TimelineView, build_timeline
from showup.web.dashboard.timeline_words import because_of, who_of
from showup.web.dashboard.words import TheirTime, Viewer, count, money, sentence, their_hour, their_time

MEETINGS: Final = 50
"""A deal's page shows its latest meetings, up to so many."""
_HOURS_A_DAY: Final = 24
_UNDOABLE: Final = ("deal.moved", "deal.won", "deal.lost", "deal.reopened", "deal.changed", "deal.reassigned")


_FIELDS: Final = ("status", "stage", "amount", "currency", "owner_email", "lost_reason")


class Step(Struct, frozen=True, kw_only=True):
    """A stage in the bar. `note`: how long the deal was there, and for the present one, how long is usual."""

    stage: str
    state: Literal["done", "current", "ahead"]
    share: float
    note: str


class NextUp(Struct, frozen=True, kw_only=True):
    """The next meeting: `when` is its day and hours, `their` the attendee's clock."""

    meeting: DealMeeting
    when: str
    their: TheirTime | None
    meeting_url: str | None
    similar: Similar | None


class NextStep(Struct, frozen=True, kw_only=True):
    """What is to be done next, who said so, and what the notes of that meeting say."""

    text: str | None
    origin: str
    quote: str | None
    booking_id: UUID


class DealPersonRow(Struct, frozen=True, kw_only=True):
    """A person, and what their clock shows now."""

    person: DealPerson
    hour: str | None


class DealView(Struct, frozen=True, kw_only=True):
    """The page. `why_*`: who made a value what it is, and because; `undoable`: the last change, if it can be undone.

    `currency`: that of the amount, else the usual one.
    """

    deal: DealHead
    age: str
    days_to_win: int | None
    steps: Sequence[Step]
    currency: str
    why_amount: str | None
    why_owner: str | None
    why_status: str | None
    next_meeting: NextUp | None
    next_step: NextStep | None
    timeline: TimelineView
    people: Sequence[DealPersonRow]
    meetings: Sequence[DealMeeting]
    trail: Sequence[DealMeeting]
    updates: Sequence[DestinationUpdate]
    proposals: Sequence[FoundProposal]
    owners: Sequence[tuple[str, str]]
    before: UUID | None
    after: UUID | None


async def build_deal(
    tx: AsyncConnection, session: Session, viewer: Viewer, deal_id: UUID, *, shown: Shown, limit: int
) -> DealView | None:
    """Read and arrange the page; None if the reader may not see the deal."""
    permission, now = session.permission, viewer.now
    deal = await load_deal_head(tx, permission, deal_id)
    if deal is None:
        return None
    meetings = (await meetings_of_deals(tx, permission, [deal.id], now, newest=MEETINGS))[deal.id]
    booking_ids = [one.id for one in meetings]
    changes = await changes_of_deal(tx, permission, deal.id)
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    stages = [*rules.stages] if deal.stage in rules.stages else [*rules.stages, deal.stage]
    undoable = undoable_change(changes) if permission.allows("write") else None
    timeline = await load_timeline(
        tx, permission, booking_ids=booking_ids, deal_id=deal.id, shown=shown, limit=limit + 1
    )
    context = TimelineContext(
        viewer=viewer,
        actor=session.teammate.actor,
        meetings={one.id: _names(one) for one in meetings},
        stages=stages,
        undoable=None if undoable is None else undoable.event_id,
        approvals=await undoable_approvals(tx, permission, timeline),
    )
    before, after = await neighbors(tx, permission, deal.id)
    people = await people_of_deal(tx, permission, deal, booking_ids)
    return DealView(
        deal=deal,
        age=count(((deal.closed_at or now) - deal.opened_at).days, "day"),
        days_to_win=await days_to_win(tx, permission, now),
        steps=_steps(deal, changes, stages, await stage_stays(tx, permission, now), now),
        currency=deal.currency or await usual_currency(tx, permission),
        why_amount=_why(changes, "amount", context),
        why_owner=_why(changes, "owner_email", context),
        why_status=_why(changes, "status", context),
        next_meeting=await _next_meeting(tx, session, viewer, meetings),
        next_step=await _next_step(tx, session, viewer, meetings),
        timeline=build_timeline(timeline, context, shown=shown, limit=limit),
        people=[DealPersonRow(person=one, hour=their_hour(viewer, now, one.time_zone)) for one in people],
        meetings=meetings,
        trail=trail_of(meetings),
        updates=await destination_updates(tx, permission, deal.id, booking_ids),
        proposals=await proposals_of_bookings(tx, permission, booking_ids),
        owners=await workspace_owners(tx, permission) if permission.allows("write") else (),
        before=before,
        after=after,
    )


def undoable_change(changes: Sequence[LoggedChange]) -> LoggedChange | None:
    """Return the last of the deal's changes, in order, if a person made it and its values before can be set again."""
    last = next((one for one in reversed(changes) if any(one.change.get(name) for name in _FIELDS)), None)
    # What an assistant did is undone as a whole, as it was asked for.
    if last is None or not last.is_manual or last.is_of_assistant:
        return None
    return None if reverse_of(last) is None else last


def reverse_of(entry: LoggedChange) -> DealChange | None:
    """Return the change that takes this one back; None if a value was set for the first time, or none can be named."""
    before = {name: values[0] for name, values in entry.change.items() if name in _FIELDS}
    is_lost_again = before.get("status") == "lost"
    if entry.what not in _UNDOABLE or not before or is_lost_again:
        return None
    before.pop("lost_reason", None)
    if any(value is None for value in before.values()):
        return None
    if "amount" in before:
        before["amount"] = Decimal(str(before["amount"]))
    return DealChange(**before)


def _names(meeting: DealMeeting) -> MeetingNames:
    return MeetingNames(
        kind=meeting.kind,
        person=meeting.person,
        time_zone=meeting.time_zone,
        end_time=meeting.end_time,
        minutes=round((meeting.end_time - meeting.start_time) / timedelta(minutes=1)),
        href=f"bookings/{meeting.id}",
    )


def _steps(
    deal: DealHead,
    changes: Sequence[LoggedChange],
    stages: Sequence[str],
    stays: dict[str, Stage],
    now: datetime,
) -> list[Step]:
    spent = _time_in_stages(deal, changes, now)
    current = stages.index(deal.stage)
    last = max(len(stages) - 1, 1)
    steps = []
    for position, stage in enumerate(stages):
        state: Literal["done", "current", "ahead"]
        state = "current" if position == current else "done" if position < current else "ahead"
        note = _stay(spent[stage]) if state != "ahead" and stage in spent else ""
        if state == "current" and deal.status == "active" and (usual := _usual_hours(stays.get(stage))):
            note += f", usual is {_usual(usual)}"
        steps.append(Step(stage=stage, state=state, share=position / last, note=note))
    return steps


def _usual_hours(stays: Stage | None) -> int | None:
    """Return how long deals usually stay in a stage; None if too few have left it."""
    return None if stays is None or stays.moved_on.total < FEW else stays.time.median_hours


def _time_in_stages(deal: DealHead, changes: Sequence[LoggedChange], now: datetime) -> dict[str, timedelta]:
    """Return how long the deal was in each stage; a stage to which it came back counts both stays."""
    spent: dict[str, timedelta] = {}
    entered_at, stage = deal.opened_at, None
    for one in changes:
        move = one.change.get("stage")
        if not move:
            continue
        if move[0] is not None:
            spent[move[0]] = spent.get(move[0], timedelta()) + max(one.at - entered_at, timedelta())
        entered_at, stage = one.at, move[1]
    if stage in (None, deal.stage):
        entered_at = deal.stage_entered_at
    spent[deal.stage] = spent.get(deal.stage, timedelta()) + max((deal.closed_at or now) - entered_at, timedelta())
    return spent


def _stay(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return count(length.days, "day") if length.days else f"{hours} h" if hours else "just now"


def _usual(hours: int) -> str:
    return str(round(hours / _HOURS_A_DAY)) if hours >= 2 * _HOURS_A_DAY else f"{hours} h"


def _why(changes: Sequence[LoggedChange], field: str, context: TimelineContext) -> str | None:
    """Return who made a field of the deal what it is, when, and because; None if nothing changed it."""
    entry = next((one for one in reversed(changes) if one.change.get(field)), None)
    if entry is None:
        return None
    viewer = context.viewer
    before = entry.change[field][0]
    reason = sentence(because_of(entry, context) or "")
    was = ""
    if field == "amount" and before is not None:
        currency = (entry.change.get("currency") or [None])[0]
        was = f" Before: {money(Decimal(str(before)), currency)}."
    return f"{reason}, {viewer.day(entry.at)} {viewer.hour(entry.at)}.{was}"


async def _next_meeting(
    tx: AsyncConnection, session: Session, viewer: Viewer, meetings: Sequence[DealMeeting]
) -> NextUp | None:
    meeting = next_of(meetings, viewer.now)
    if meeting is None:
        return None
    # With the place only for those who may see it.
    found = await find_meeting(tx, session.permission, meeting.id)
    if found is None:
        return None
    similar = await similar_meetings(
        tx,
        session.permission,
        lead=found.start_time - found.booked_at,
        moves=found.reschedule_count,
        organizer=None,
        now=viewer.now,
    )
    url = found.meeting_url
    hours = f"{viewer.hour(meeting.start_time)} – {viewer.hour(meeting.end_time)}"
    return NextUp(
        meeting=meeting,
        when=f"{sentence(viewer.day(meeting.start_time))} {hours}",
        their=their_time(viewer, meeting.start_time, found.time_zone),
        meeting_url=url if url and url.startswith(("https://", "http://")) else None,
        similar=similar,
    )


async def _next_step(
    tx: AsyncConnection, session: Session, viewer: Viewer, meetings: Sequence[DealMeeting]
) -> NextStep | None:
    """Return the step of the latest meeting that has one; without one, that of the latest meeting that has begun."""
    held = [one for one in meetings if one.start_time <= viewer.now and one.state != "cancelled"]
    source = next((one for one in held if one.next_step), None) or next(iter(held), None) or next(iter(meetings), None)
    if source is None:
        return None
    report = await next_step_report(tx, session.permission, source.id) if source.next_step else None
    origin = "Next step"
    if report is not None:
        origin += f", said by {who_of(report, session.teammate.actor)} {viewer.day(report.at)}"
    notes = source.outcome_notes
    return NextStep(text=source.next_step, origin=origin, quote=notes, booking_id=source.id)
