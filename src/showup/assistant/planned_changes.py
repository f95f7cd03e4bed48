"""What each changing tool does: the commands, and the commands that undo them. Nothing is changed here."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from showup.assistant.tool import Arguments
from showup.assistant.tool_context import ToolFailed
from showup.bookings.booking import MeetingOutcome
from showup.campaigns import candidates
from showup.campaigns.match import SCORES, campaign_of
from showup.commands.unit_of_work import UnitOfWork
from showup.deals.deal import DealChange
from showup.events.booking import CommandUndone, LeadMatched, MatchUndone, OutcomeReported
from showup.events.deal import MANUAL_DEAL_PREFIX, DealChanged
from showup.events.manual import ManualEvent
from showup.reads.command_targets import BookingTarget, target_of_booking, target_of_deal
from showup.reads.deals import find_deal
from showup.reads.rows import Item
from showup.reads.unmatched import find_lead_email, find_unmatched
from showup.values.email_address import match_key

_DRY_RUN: Final = Field(description="true: only return what would change, and ask nobody")


class OutcomeArguments(Arguments):
    """How a meeting went."""

    booking_id: Annotated[UUID, Field(description="The booking's id, from search_bookings or today")]
    outcome: Annotated[
        MeetingOutcome, Field(description="rescheduled: it did not take place, and another time is coming")
    ]
    notes: Annotated[str | None, Field(max_length=10_000, description="What happened, in the user's words")] = None
    next_step: Annotated[str | None, Field(max_length=1_000, description="What to do next")] = None
    dry_run: Annotated[bool, _DRY_RUN] = False


class MoveArguments(Arguments):
    """Where a deal goes."""

    deal_id: Annotated[UUID, Field(description="The deal's id, from search_deals")]
    stage: Annotated[str | None, Field(max_length=100, description="The new stage, such as met or proposal")] = None
    status: Annotated[Literal["active", "won", "lost", "cancelled"] | None, Field(description="The new status")] = None
    lost_reason: Annotated[str | None, Field(max_length=1_000, description="Why, if the deal is lost")] = None
    dry_run: Annotated[bool, _DRY_RUN] = False


class LinkArguments(Arguments):
    """Which lead an attendee is."""

    unmatched_id: Annotated[UUID, Field(description="The id of the unmatched attendee, from list_unmatched_bookings")]
    lead_id: Annotated[UUID, Field(description="The lead's id, from the candidates")]
    dry_run: Annotated[bool, _DRY_RUN] = False


class PlannedChange(Struct, frozen=True, kw_only=True):
    """The commands of a tool. `undo` returns those that undo them, given the ids of their events.

    `deal_id` is the deal that must not have moved on when it is undone: somebody's later move stands.
    """

    events: Sequence[ManualEvent]
    undo: Callable[[Sequence[UUID]], Sequence[ManualEvent]]
    deal_id: UUID | None = None


Plan = Callable[[UnitOfWork, Any], Awaitable[PlannedChange]]


async def plan_outcome(unit_of_work: UnitOfWork, arguments: OutcomeArguments) -> PlannedChange:
    """Return the report of the meeting's outcome. Raises ToolFailed."""
    booking = await _booking(unit_of_work, arguments.booking_id)
    report = OutcomeReported(
        subject=booking.name, outcome=arguments.outcome, notes=arguments.notes, next_step=arguments.next_step
    )
    return PlannedChange(
        events=[report], undo=lambda event_ids: [CommandUndone(subject=booking.name, command=event_ids[0])]
    )


async def plan_move(unit_of_work: UnitOfWork, arguments: MoveArguments) -> PlannedChange:
    """Return the deal's move, and the move back. Raises ToolFailed."""
    if arguments.stage is None and arguments.status is None:
        raise ToolFailed("Say where the deal goes: send stage or status.")
    target = await target_of_deal(unit_of_work.tx, unit_of_work.permission, arguments.deal_id)
    deal = None if target is None else await find_deal(unit_of_work.tx, unit_of_work.permission, target.id)
    if target is None or deal is None:
        raise ToolFailed("You can see no deal with this id. Call search_deals to find it.")
    seats_of = target.seats_of or target.company
    change = DealChange(stage=arguments.stage, status=arguments.status, lost_reason=arguments.lost_reason)
    event = DealChanged(subject=target.name, change=change, seats_of=seats_of)
    if target.name.startswith(MANUAL_DEAL_PREFIX):
        back = [replace(event, change=one) for one in _changes_back(deal)]
        return PlannedChange(events=[event], undo=lambda _: back, deal_id=target.id)
    return PlannedChange(
        events=[event],
        undo=lambda event_ids: [CommandUndone(subject=target.name, command=event_ids[0])],
        deal_id=target.id,
    )


def _changes_back(deal: Item) -> list[DealChange]:
    """Return the changes that put a deal without a booking where it was: active first, then closed as before."""
    reopened = DealChange(status="active", stage=deal["stage"])
    closed = DealChange(status=deal["status"], lost_reason=deal["lost_reason"])
    return [reopened] if deal["status"] == "active" else [reopened, closed]


async def plan_link(unit_of_work: UnitOfWork, arguments: LinkArguments) -> PlannedChange:
    """Return the match of the attendee with the lead. Raises ToolFailed."""
    permission = unit_of_work.permission
    unmatched = await find_unmatched(unit_of_work.tx, permission, arguments.unmatched_id)
    if unmatched is None:
        raise ToolFailed("You can see no unmatched attendee with this id. Call list_unmatched_bookings.")
    booking = await _booking(unit_of_work, unmatched["booking_id"])
    email = await find_lead_email(unit_of_work.tx, permission, arguments.lead_id)
    keys = [] if email is None else [match_key(email), email]
    leads = await candidates.of_keys(await unit_of_work.connection(), booking.workspace_id, keys)
    lead = next((one for one in leads if one.email == email), None)
    if lead is None:
        raise ToolFailed("The workspace has no lead with this id. Use the id of one of the attendee's candidates.")
    campaign_id, because = campaign_of(lead.memberships, unmatched["booked_at"])
    event = LeadMatched(
        subject=booking.name,
        attendee=unmatched["attendee"],
        lead=lead.email,
        campaign_id=campaign_id,
        method="manual",
        score=SCORES["manual"],
        evidence={"person": f"linked by {permission.actor}", "campaign": because},
    )
    undone = MatchUndone(subject=booking.name, attendee=unmatched["attendee"], lead=lead.email)
    return PlannedChange(events=[event], undo=lambda _: [undone])


async def _booking(unit_of_work: UnitOfWork, booking_id: UUID) -> BookingTarget:
    booking = await target_of_booking(unit_of_work.tx, unit_of_work.permission, booking_id)
    if booking is None:
        raise ToolFailed("You can see no booking with this id. Call search_bookings to find it.")
    return booking


class ChangingTool(Struct, frozen=True, kw_only=True):
    """How a tool's change is planned. `is_reversible`: a person may allow it to an assistant for good."""

    arguments: type[Arguments]
    plan: Plan
    is_reversible: bool = True


CHANGES: Final[dict[str, ChangingTool]] = {
    "record_outcome": ChangingTool(arguments=OutcomeArguments, plan=plan_outcome),
    "move_deal": ChangingTool(arguments=MoveArguments, plan=plan_move),
    "link_booking": ChangingTool(arguments=LinkArguments, plan=plan_link),
}
