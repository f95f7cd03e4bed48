"""Replays a booking's proposals. They change nothing about the booking; a deal's move is an event of its own (AP3).

As with other commands, a conflict refuses the request that brings it. In any later replay it was accepted: it stands.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.events.envelope import BookingRecord
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.pipeline.change import AuditEntry
from showup.proposals.proposal import Proposal, ProposalContent, edit_conflict, mark_conflict

_UNKNOWN: Final = "unknown proposal"
_REASON: Final = "changed manually"


class ReplayedProposals(Struct, kw_only=True):
    """The proposals by id, in the order in which they were made. `refused`: by event, what it contradicts."""

    by_id: dict[UUID, Proposal] = {}
    entries: list[AuditEntry] = []
    refused: dict[UUID, str] = {}


def replay_proposals(records: Sequence[BookingRecord]) -> ReplayedProposals:
    """Replay these events, which are in source order; whatever clocks said, a proposal is made before it is marked."""
    replayed = ReplayedProposals()
    for record in _creation_first(records):
        match record.event:
            case ProposalSaved() as event:
                _saved(replayed, record, event)
            case ProposalMarked() as event:
                _marked(replayed, record, event)
            case _:
                pass
    return replayed


def proposal_details(proposal: UUID, number: int, content: ProposalContent) -> dict[str, Any]:
    """Return a proposal as subscribers receive it: JSON numbers, as in the API."""
    items = [
        {
            "description": one.description,
            "quantity": float(one.quantity),
            "unit_price": float(one.unit_price),
            "amount": float(one.amount(content.currency)),
        }
        for one in content.items
    ]
    return {
        "id": str(proposal),
        "number": number,
        "title": content.title,
        "scope": content.scope,
        "items": items,
        "currency": content.currency,
        "total": float(content.total),
        "valid_until": None if content.valid_until is None else content.valid_until.isoformat(),
        "recipient": content.recipient,
    }


def _creation_first(records: Sequence[BookingRecord]) -> Iterable[BookingRecord]:
    creating: dict[UUID, BookingRecord] = {}
    for record in records:
        if isinstance(record.event, ProposalSaved):
            creating.setdefault(record.event.proposal, record)
    first = {one.event_id for one in creating.values()}
    return [*creating.values(), *(one for one in records if one.event_id not in first)]


def _saved(replayed: ReplayedProposals, record: BookingRecord, event: ProposalSaved) -> None:
    before = replayed.by_id.get(event.proposal)
    if before is not None and (because := edit_conflict(before.status)):
        _conflict(replayed, record, because)
    after = Proposal(
        id=event.proposal,
        number=event.number if before is None else before.number,
        # A change without a new PDF leaves none that shows it.
        status="ready" if event.is_ready else "draft",
        content=event.content,
        version=1 if before is None else before.version + 1,
        created_by=record.actor if before is None else before.created_by,
        created_at=record.source_at if before is None else before.created_at,
        updated_at=record.source_at,
        ready_at=record.source_at if event.is_ready else before.ready_at if before is not None else None,
    )
    replayed.by_id[event.proposal] = after
    what = "proposal.requested" if event.is_ready else "proposal.saved"
    _add_entry(replayed, record, what, before, after)


def _marked(replayed: ReplayedProposals, record: BookingRecord, event: ProposalMarked) -> None:
    before = replayed.by_id.get(event.proposal)
    if before is None:
        replayed.refused[record.event_id] = _UNKNOWN
        return
    if because := mark_conflict(before.status, event.status):
        _conflict(replayed, record, because)
    if before.status == event.status:
        return
    after = replace(
        before,
        status=event.status,
        updated_at=record.source_at,
        sent_at=before.sent_at or record.source_at if event.status != "declined" else before.sent_at,
        decided_at=None if event.status == "sent" else record.source_at,
        marked_by=record.event_id,
    )
    replayed.by_id[event.proposal] = after
    _add_entry(replayed, record, f"proposal.{event.status}", before, after)


def _conflict(replayed: ReplayedProposals, record: BookingRecord, because: str) -> None:
    replayed.refused[record.event_id] = because
    replayed.entries.append(AuditEntry.of(record, "booking.conflict", because))


def _add_entry(
    replayed: ReplayedProposals, record: BookingRecord, what: str, before: Proposal | None, after: Proposal
) -> None:
    old, new = ({} if one is None else _fields(one) for one in (before, after))
    change = {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}
    # A line of the timeline names the proposal, whatever changed of it.
    if "amount" in change:
        change |= {"currency": [old.get("currency"), after.content.currency]}
    change |= {"number": [old.get("number"), after.number], "proposal": [old.get("proposal"), str(after.id)]}
    replayed.entries.append(AuditEntry.of(record, what, _REASON, change))


def _fields(proposal: Proposal) -> dict[str, Any]:
    content = proposal.content
    return {
        "status": proposal.status,
        "title": content.title,
        "amount": str(content.total),
        "currency": content.currency,
        "valid_until": None if content.valid_until is None else content.valid_until.isoformat(),
    }
