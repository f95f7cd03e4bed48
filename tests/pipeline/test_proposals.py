"""AP3, PI9: a booking's proposals are a replay of its events, in any order of arrival."""

from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from showup.events.booking import CommandUndone
from showup.events.envelope import EventRecord
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.pipeline.replay import BookingState
from showup.proposals.proposal import LineItem, Mark, Proposal, ProposalContent
from tests.pipeline.sample_events import AFTERNOON, FRIDAY, MIDDAY, THURSDAY, hours, made, record_of, state_of

NAME = "uid:abc123"
ONE = uuid5(NAMESPACE_URL, "proposal")


def saved(at: datetime, price: int = 100, *, is_ready: bool = True, proposal: UUID = ONE, **more: Any) -> EventRecord:
    line = LineItem(description="Seats", quantity=Decimal(1), unit_price=Decimal(price))
    content = ProposalContent(title="Offer", scope="", items=(line,), currency="USD")
    fields = {"number": 1} | more
    return record_of(ProposalSaved(subject=NAME, proposal=proposal, content=content, is_ready=is_ready, **fields), at)


def marked(at: datetime, status: Mark, proposal: UUID = ONE) -> EventRecord:
    return record_of(ProposalMarked(subject=NAME, proposal=proposal, status=status), at)


def only_proposal(state: BookingState) -> Proposal:
    (proposal,) = state.proposals
    return proposal


def test_any_order_of_arrival_gives_the_same_proposal() -> None:
    history = [
        made(),
        saved(MIDDAY, 100, is_ready=False),
        saved(AFTERNOON, 200),
        marked(THURSDAY, "sent"),
        marked(FRIDAY, "accepted"),
    ]
    found = {repr((state.proposals, state.entries)) for one in permutations(history) for state in [state_of(*one)]}
    assert len(found) == 1
    proposal = only_proposal(state_of(*history))
    assert (proposal.status, proposal.version, proposal.content.total) == ("accepted", 2, Decimal(200))
    assert (proposal.sent_at, proposal.decided_at) == (THURSDAY, FRIDAY)


def test_a_change_without_a_pdf_makes_it_a_draft_again_and_an_undone_mark_counts_for_nothing() -> None:
    sent = marked(THURSDAY, "sent")
    undone = record_of(CommandUndone(subject=NAME, command=sent.event_id), FRIDAY)
    assert only_proposal(state_of(made(), saved(MIDDAY), sent, undone)).status == "ready"
    assert only_proposal(state_of(made(), saved(MIDDAY), saved(AFTERNOON, 5, is_ready=False))).status == "draft"


def test_what_was_accepted_from_a_person_stands_and_the_conflict_is_shown() -> None:
    late = saved(FRIDAY, 300)
    state = state_of(made(), saved(MIDDAY), marked(THURSDAY, "sent"), late)
    assert (only_proposal(state).content.total, only_proposal(state).status) == (Decimal(300), "ready")
    assert "sent already" in state.refused[late.event_id]
    assert "booking.conflict" in [entry.what for entry in state.entries]
    early = marked(MIDDAY, "sent")
    assert only_proposal(state_of(made(), early, saved(AFTERNOON))).status == "sent", "clocks differ"


def test_each_pdf_is_announced_once_and_a_draft_is_not() -> None:
    draft, ready, again = saved(MIDDAY, is_ready=False), saved(AFTERNOON), saved(AFTERNOON + hours(1), 7)
    announced = state_of(made(), draft, ready, again).plan.announcements.values()
    requested = [one for one in announced if one.kind == "proposal.requested"]
    assert [one.details["proposal"]["total"] for one in requested] == [100.0, 7.0]
    assert len({one.key for one in requested}) == 2
