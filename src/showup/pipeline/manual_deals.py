"""Apply manual deal events: open, change, and attach bookings to deals (PI12, AP2)."""

from collections.abc import Mapping
from uuid import UUID

from showup.deals.deal import FIRST_STAGE, MET_STAGE, Deal, DealChange, DealEvent, apply_change, change_refusal, deal_id
from showup.pipeline.company_deals import CompanyDeals, MeetingState
from showup.pipeline.rules import Rules

NO_DEAL = "there is no such deal: the booking belongs to no company, or no deal was opened"
_MANUAL_REASON = "changed manually"


def opened(company_deals: CompanyDeals, deal_event: DealEvent, rules: Rules) -> None:
    """Open a deal without a booking; refused while the company has an active deal."""
    change = deal_event.change or DealChange()
    if company_deals.active_id is not None:
        company_deals.refused[deal_event.event_id] = (
            "the company already has an active deal, and only one can be active at a time"
        )
        return
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
    if because := change_refusal(new_deal, change, rules.stages, another_is_active=False):
        company_deals.refused[deal_event.event_id] = because
        return
    deal = apply_change(new_deal, change, deal_event.at)
    company_deals.add(deal)
    _record_manual_change(company_deals, deal)
    company_deals.add_entry(
        deal_event, "deal.opened", _MANUAL_REASON, deal.id, {"status": [None, deal.status], "stage": [None, deal.stage]}
    )


def deal_changed(company_deals: CompanyDeals, deal_event: DealEvent, rules: Rules) -> None:
    """Change the stage, status, owner or amount, as far as the rules allow."""
    found_id = _deal_of(company_deals, deal_event.stream_id)
    if found_id is None or deal_event.change is None:
        company_deals.refused[deal_event.event_id] = NO_DEAL
        return
    deal = company_deals.by_id[found_id]
    if because := change_refusal(
        deal, deal_event.change, rules.stages, another_is_active=company_deals.active_id not in (None, deal.id)
    ):
        company_deals.refused[deal_event.event_id] = because
        company_deals.add_entry(deal_event, "deal.refused", because, deal.id)
        return
    after = apply_change(deal, deal_event.change, deal_event.at)
    if after != deal:
        company_deals.replace_deal(deal_event, after, _change_code(deal, after), after.lost_reason or _MANUAL_REASON)
    _record_manual_change(company_deals, after)


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


def _change_code(before: Deal, after: Deal) -> str:
    if before.status != after.status:
        return "deal.reopened" if after.status == "active" else f"deal.{after.status}"
    return "deal.moved" if before.stage != after.stage else "deal.changed"
