"""Apply manual deal events: open, change, and attach bookings to deals (PI12, AP2).

A change that does not fit the state is a conflict. The request that brings it is refused because of that: its effects
are rolled back, and the log keeps the refusal. In any later replay it was accepted: an older event that arrived
afterwards caused the conflict. What the person did stands then.

The timeline of a deal shows what a person did, and beside it a conflict that arose later (`deal.conflict`). It shows no
refusal: `GET /api/events?state=refused` does.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec.structs import replace

from showup.deals.deal import (
    FIRST_STAGE,
    MET_STAGE,
    Deal,
    DealChange,
    DealEvent,
    apply_change,
    conflicting_change,
    deal_id,
    invalid_change,
)
from showup.pipeline.company_deals import CompanyDeals, MeetingState
from showup.pipeline.rules import Rules

NO_DEAL = "there is no such deal: the booking belongs to no company, or no deal was opened"
_MANUAL_REASON = "changed manually"
_ALREADY_ACTIVE = "the company already has an active deal, and only one can be active at a time"


def opened(company_deals: CompanyDeals, deal_event: DealEvent, rules: Rules) -> None:
    """Open a deal without a booking. It conflicts with an active deal of the company, and takes its place."""
    change = deal_event.change or DealChange()
    new_deal = Deal(
        id=deal_id(deal_event.stream_id),
        status="active",
        stage=FIRST_STAGE,
        owner_email=None,
        opened_by=deal_event.stream_id,
        cancelled_by=None,
        position=0,
        opened_at=deal_event.at,
        stage_entered_at=deal_event.at,
        closed_at=None,
        updated_at=deal_event.at,
    )
    if because := invalid_change(new_deal, change):
        company_deals.refused[deal_event.event_id] = because
        return
    conflict = _ALREADY_ACTIVE if company_deals.active_id is not None else None
    conflict = conflict or conflicting_change(new_deal, change, rules.stages, another_is_active=False)
    deal = apply_change(new_deal, change, deal_event.at)
    if deal.status == "active":
        _replace_active(company_deals, deal, deal_event)
    company_deals.add(deal)
    company_deals.manually_opened.add(deal.id)
    _record_manual_change(company_deals, deal)
    if conflict is not None:
        _record_conflict(company_deals, deal_event, conflict, deal.id)
    company_deals.add_entry(
        deal_event, "deal.opened", _MANUAL_REASON, deal.id, {"status": [None, deal.status], "stage": [None, deal.stage]}
    )


def deal_changed(company_deals: CompanyDeals, deal_event: DealEvent, rules: Rules) -> None:
    """Change the stage, status, owner or amount. A change that does not fit the state is a conflict."""
    found_id = _deal_of(company_deals, deal_event.stream_id)
    if found_id is None or deal_event.change is None:
        company_deals.refused[deal_event.event_id] = NO_DEAL
        return
    deal, change = company_deals.by_id[found_id], deal_event.change
    if because := invalid_change(deal, change):
        company_deals.refused[deal_event.event_id] = because
        return
    another_is_active = company_deals.active_id not in (None, deal.id)
    conflict = conflicting_change(deal, change, rules.stages, another_is_active=another_is_active)
    if conflict is not None and change.status is None and change.stage is not None and deal.status != "active":
        # The person moved an active deal: an older event that closed it does not count.
        change = replace(change, status="active")
    after = apply_change(deal, change, deal_event.at)
    if conflict is not None:
        _record_conflict(company_deals, deal_event, conflict, deal.id)
        if after.status == "active":
            _replace_active(company_deals, after, deal_event)
    if after != deal:
        company_deals.replace_deal(deal_event, after, _change_code(deal, after), after.lost_reason or _MANUAL_REASON)
    _record_manual_change(company_deals, after)
    if change.stage == FIRST_STAGE:
        _outweigh_meetings(company_deals, after.id)


def attached(
    company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent, streams: Mapping[str, UUID]
) -> None:
    """Attach the booking to another deal; remove the deal it opened if no other booking belongs to it."""
    stream_id = streams.get(deal_event.deal_name or "")
    target_id = None if stream_id is None else _deal_of(company_deals, stream_id)
    if target_id is None:
        company_deals.refused[deal_event.event_id] = "the company has no such deal"
        return
    previous_id = meeting.deal_id
    meeting.deal_id, meeting.is_attached = target_id, True
    if previous_id == target_id:
        return
    if previous_id is not None and _is_unused(company_deals, previous_id):
        company_deals.remove(previous_id)
    company_deals.add_entry(deal_event, "deal.joined", "a booking was manually attached to it", target_id)


def _replace_active(company_deals: CompanyDeals, deal: Deal, deal_event: DealEvent) -> None:
    """Make room for this deal, since at most one is active.

    The meetings of a deal that only webhooks opened and moved join it. A deal that people worked on too is closed.
    """
    other_id = company_deals.active_id
    if other_id in (None, deal.id):
        return
    other = company_deals.by_id[other_id]
    if other.id in company_deals.manually_changed:
        because = "a person made another deal of the company active"
        after = replace(other, status="cancelled", cancelled_by=None, closed_at=deal_event.at)
        company_deals.replace_deal(deal_event, after, "deal.cancelled", because)
        return
    for meeting in company_deals.meetings.values():
        if meeting.deal_id == other.id:
            meeting.deal_id = deal.id
    company_deals.remove(other.id)


def _record_conflict(company_deals: CompanyDeals, deal_event: DealEvent, because: str, deal_id: UUID) -> None:
    """Record that an older event arrived after the change was accepted: the change stands, and a person should look."""
    company_deals.refused[deal_event.event_id] = because
    company_deals.add_entry(deal_event, "deal.conflict", because, deal_id)


def _deal_of(company_deals: CompanyDeals, stream_id: UUID) -> UUID | None:
    """Return the deal that this event stream opened, or else the deal of its booking."""
    own_id = deal_id(stream_id)
    if own_id in company_deals.by_id:
        return own_id
    return company_deals.meetings[stream_id].deal_id if stream_id in company_deals.meetings else None


def _is_unused(company_deals: CompanyDeals, deal_id: UUID) -> bool:
    return deal_id not in company_deals.manually_changed and all(
        other.deal_id != deal_id for other in company_deals.meetings.values()
    )


def _record_manual_change(company_deals: CompanyDeals, deal: Deal) -> None:
    company_deals.manually_changed.add(deal.id)
    if deal.stage == MET_STAGE:
        company_deals.manually_met.add(deal.id)
    else:
        company_deals.manually_met.discard(deal.id)


def _outweigh_meetings(company_deals: CompanyDeals, deal_id: UUID) -> None:
    """Keep the deal where a person put it, whatever a source corrects about meetings that were over by then."""
    for meeting in company_deals.meetings.values():
        if meeting.deal_id == deal_id and meeting.has_attendance:
            meeting.is_outweighed = True


def _change_code(before: Deal, after: Deal) -> str:
    if before.status != after.status:
        return "deal.reopened" if after.status == "active" else f"deal.{after.status}"
    return "deal.moved" if before.stage != after.stage else "deal.changed"
