"""Saves proposals and what became of them, each with the change of its deal: both are done, or neither (AP3)."""

from uuid import UUID

from msgspec import Struct

from showup.commands.unit_of_work import CommandRefused, UnitOfWork
from showup.database.engine import driver_connection
from showup.deals.deal import DealChange
from showup.events.booking import CommandUndone
from showup.events.deal import DealChanged
from showup.events.manual import ManualEvent
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.inbox.rules import in_force
from showup.proposals.files_store import ProposalFile, save_file
from showup.proposals.proposal import Mark, ProposalContent
from showup.reads.command_targets import BookingTarget, target_of_booking, target_of_deal
from showup.reads.proposals import (
    FoundProposal,
    ProposalContext,
    find_proposal,
    load_context,
    proposals_of_bookings,
)

STAGE = "proposal"
"""The stage to which a deal moves when its proposal's PDF is made, if the pipeline has it."""


class NewProposal(Struct, frozen=True, kw_only=True):
    """A proposal to save. `file`: its PDF; None for a draft.

    `seen` is what `seen_of` returned when its form was opened; None to save whatever happened since.
    """

    id: UUID
    content: ProposalContent
    file: ProposalFile | None
    seen: str | None = None


class OvertakenBy(Exception):
    """Another proposal of the company was made, or this one was changed, since the form was opened."""

    def __init__(self, other: FoundProposal | None) -> None:
        super().__init__("overtaken")
        self.other = other


def seen_of(context: ProposalContext, proposal: FoundProposal | None) -> str:
    """Return what tells whether somebody made another proposal, or changed this one, since its form was opened."""
    return f"number {context.number}" if proposal is None else f"version {proposal.version}"


async def save_proposal(unit_of_work: UnitOfWork, booking: BookingTarget, new: NewProposal) -> UUID:
    """Save a new proposal or a changed one; return its id. Saving the same twice changes nothing.

    With its PDF, the deal gets its amount and moves to the stage `proposal`. Raises CommandRefused and OvertakenBy.
    """
    await unit_of_work.lock(booking.workspace_id)
    context = await _context(unit_of_work, booking)
    known = await find_proposal(unit_of_work.tx, unit_of_work.permission, new.id)
    if known is not None and known.booking_id != booking.id:
        raise CommandRefused("this proposal belongs to another meeting")
    same = known or await _same_proposal(unit_of_work, booking, new)
    if same is not None and same.content == new.content and _is_done(same, new):
        return same.id
    if new.seen is not None and new.seen != seen_of(context, known):
        raise OvertakenBy(known or await _latest(unit_of_work, booking))
    number = context.number + 1 if known is None else known.number
    events: list[ManualEvent] = [
        ProposalSaved(
            subject=booking.name, proposal=new.id, number=number, content=new.content, is_ready=new.file is not None
        )
    ]
    if new.file is not None:
        events += await _deal_moved(unit_of_work, booking, context, new.content)
    await unit_of_work.execute(booking.workspace_id, *events)
    if new.file is not None:
        version = 1 if known is None else known.version + 1
        connection = await driver_connection(unit_of_work.tx)
        await save_file(connection, booking.workspace_id, new.id, version, new.file, unit_of_work.at)
    return new.id


async def mark_proposal(unit_of_work: UnitOfWork, proposal: FoundProposal, mark: Mark) -> UUID | None:
    """Mark a proposal as sent, accepted (which wins its deal) or declined; return the event.

    None: it was marked so already. Raises CommandRefused.
    """
    await unit_of_work.lock(proposal.workspace_id)
    proposal, booking = await _current(unit_of_work, proposal)
    if proposal.status == mark:
        return None
    events: list[ManualEvent] = [ProposalMarked(subject=booking.name, proposal=proposal.id, status=mark)]
    if mark == "accepted":
        context = await _context(unit_of_work, booking)
        if context.deal_status != "won":
            content = proposal.content
            change = DealChange(status="won", amount=content.total, currency=content.currency)
            events += await _deal_change(unit_of_work, booking, change)
    return (await unit_of_work.execute(proposal.workspace_id, *events))[0]


async def undo_mark(unit_of_work: UnitOfWork, proposal: FoundProposal, event_id: UUID) -> None:
    """Take the last mark of a proposal back, and reopen the deal that it won. Raises CommandRefused."""
    await unit_of_work.lock(proposal.workspace_id)
    proposal, booking = await _current(unit_of_work, proposal)
    if proposal.marked_by != event_id:
        raise CommandRefused("the proposal was changed since, so look at it first")
    events: list[ManualEvent] = [CommandUndone(subject=booking.name, command=event_id)]
    context = await _context(unit_of_work, booking)
    if proposal.status == "accepted" and context.deal_status == "won":
        events += await _deal_change(unit_of_work, booking, DealChange(status="active"))
    await unit_of_work.execute(proposal.workspace_id, *events)


def _is_done(same: FoundProposal, new: NewProposal) -> bool:
    return same.status == "draft" if new.file is None else same.status != "draft"


async def _context(unit_of_work: UnitOfWork, booking: BookingTarget) -> ProposalContext:
    context = await load_context(unit_of_work.tx, unit_of_work.permission, booking.id)
    assert context is not None, "the booking was found a moment ago, and its workspace is locked"
    return context


async def _current(unit_of_work: UnitOfWork, proposal: FoundProposal) -> tuple[FoundProposal, BookingTarget]:
    """Return the proposal as it is under the lock, and its booking."""
    found = await find_proposal(unit_of_work.tx, unit_of_work.permission, proposal.id)
    if found is None:
        raise CommandRefused("the proposal no longer exists")
    booking = await target_of_booking(unit_of_work.tx, unit_of_work.permission, found.booking_id)
    assert booking is not None, "a proposal belongs to a booking of its workspace"
    return found, booking


async def _same_proposal(unit_of_work: UnitOfWork, booking: BookingTarget, new: NewProposal) -> FoundProposal | None:
    """Return the latest proposal of the meeting if it offers the same and was not decided: the request came twice."""
    latest = await _latest(unit_of_work, booking)
    if latest is None or latest.status in ("accepted", "declined") or latest.content != new.content:
        return None
    return latest


async def _latest(unit_of_work: UnitOfWork, booking: BookingTarget) -> FoundProposal | None:
    found = await proposals_of_bookings(unit_of_work.tx, unit_of_work.permission, [booking.id])
    return max(found, key=lambda one: one.number, default=None)


async def _deal_moved(
    unit_of_work: UnitOfWork, booking: BookingTarget, context: ProposalContext, content: ProposalContent
) -> list[ManualEvent]:
    """Return the change of the deal; of one that has passed the stage already, only its amount."""
    if context.deal_status not in (None, "active"):
        raise CommandRefused(f"the deal is {context.deal_status}: only an active deal can get a proposal")
    stages = (await in_force(await driver_connection(unit_of_work.tx), booking.workspace_id)).newest.stages
    stage = stage_after(context.stage, stages)
    is_same = (context.amount, context.currency) == (content.total, content.currency)
    if context.deal_id is not None and stage is None and is_same:
        return []
    amount, currency = (None, None) if is_same else (content.total, content.currency)
    return await _deal_change(unit_of_work, booking, DealChange(stage=stage, amount=amount, currency=currency))


def stage_after(stage: str | None, stages: tuple[str, ...]) -> str | None:
    """Return the stage to which a proposal moves a deal; None if it stays where it is."""
    if STAGE not in stages or (stage in stages and stages.index(stage) >= stages.index(STAGE)):
        return None
    return STAGE


async def _deal_change(unit_of_work: UnitOfWork, booking: BookingTarget, change: DealChange) -> list[ManualEvent]:
    target = None
    if booking.deal_id is not None:
        target = await target_of_deal(unit_of_work.tx, unit_of_work.permission, booking.deal_id)
    if target is None:
        # The rules refuse it then, and the log records why.
        return [DealChanged(subject=booking.name, change=change)]
    return [DealChanged(subject=target.name, change=change, seats_of=target.seats_of or target.company)]
