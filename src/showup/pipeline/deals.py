"""Replay a company's deals from the deal events of all its bookings, in source order (PI1, PI4, PI5, PI7).

At most one deal is active at a time: a deal is opened or reopened only if no other is active.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from showup.deals.deal import FIRST_STAGE, MET_STAGE, Deal, DealEvent, deal_id
from showup.pipeline import manual_deals
from showup.pipeline.company_deals import CompanyDeals, MeetingState
from showup.pipeline.rules import RuleBook, Rules

_NO_STREAMS: Mapping[str, UUID] = {}


def replay_deals(
    deal_events: Iterable[DealEvent], rules: RuleBook, streams: Mapping[str, UUID] = _NO_STREAMS
) -> CompanyDeals:
    """Replay deal events into deals, each event under the rules of its time.

    `streams` maps names used in attachments to bookings and to the events by which deals were opened.
    """
    company_deals = CompanyDeals()
    for deal_event in sorted(deal_events, key=lambda deal_event: deal_event.order_key):
        _apply(company_deals, deal_event, rules.at(deal_event.at), streams)
    return company_deals


def _apply(company_deals: CompanyDeals, deal_event: DealEvent, rules: Rules, streams: Mapping[str, UUID]) -> None:
    if deal_event.kind == "opened":
        manual_deals.opened(company_deals, deal_event, rules)
        return
    if deal_event.kind == "changed":
        manual_deals.deal_changed(company_deals, deal_event, rules)
        return
    meeting = company_deals.meeting(deal_event.stream_id)
    if meeting.start_time != deal_event.start_time:
        meeting.is_outweighed = meeting.has_attendance = False
    meeting.start_time, meeting.series_uid = deal_event.start_time, deal_event.series_uid
    match deal_event.kind:
        case "booked":
            _booked(company_deals, meeting, deal_event)
        case "cancelled":
            meeting.is_scheduled = False
            _cancelled(company_deals, meeting, deal_event, rules)
        case "suspended":
            meeting.is_scheduled = False
        case "moved":
            meeting.is_scheduled = True
        case "showed":
            meeting.showed = meeting.has_attendance = True
            _showed(company_deals, meeting, deal_event)
        case "unshowed":
            meeting.showed, meeting.has_attendance = False, True
            _unshowed(company_deals, meeting, deal_event)
        case "reassigned":
            _reassigned(company_deals, meeting, deal_event)
        case "attached":
            manual_deals.attached(company_deals, meeting, deal_event, streams)
    meeting.past_hosts.add(deal_event.organizer_email)


def _booked(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent) -> None:
    meeting.is_scheduled = True
    if meeting.deal_id is None:
        _join_or_open(company_deals, meeting, deal_event)
        return
    deal = company_deals.by_id[meeting.deal_id]
    if deal.status != "cancelled" or not _cancelled_by_meeting(company_deals, deal, deal_event):
        return
    if company_deals.active_id is not None:
        meeting.deal_id = company_deals.active_id
        company_deals.add_entry(
            deal_event,
            "deal.joined",
            "the meeting is scheduled again, and its company already has another active deal",
            meeting.deal_id,
        )
        return
    after = replace(deal, status="active", cancelled_by=None, closed_at=None)
    company_deals.replace_deal(
        deal_event, after, "deal.reopened", "the meeting whose cancellation closed the deal is scheduled again"
    )


def _cancelled_by_meeting(company_deals: CompanyDeals, deal: Deal, deal_event: DealEvent) -> bool:
    """Return whether the cancellation of this meeting, or of the rest of its series, cancelled the deal."""
    other = None if deal.cancelled_by is None else company_deals.meetings.get(deal.cancelled_by)
    return deal.cancelled_by == deal_event.stream_id or (
        other is not None and other.series_uid is not None and other.series_uid == deal_event.series_uid
    )


def _join_or_open(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent) -> None:
    if company_deals.active_id is not None:
        meeting.deal_id = company_deals.active_id
        company_deals.add_entry(
            deal_event, "deal.joined", "another meeting of the same company", company_deals.active_id
        )
        return
    meeting.deal_id = deal_id(deal_event.stream_id)
    deal = Deal(
        id=meeting.deal_id,
        status="active",
        stage=FIRST_STAGE,
        owner_email=deal_event.organizer_email,
        opened_by=deal_event.stream_id,
        cancelled_by=None,
        position=0,
        opened_at=deal_event.at,
        stage_entered_at=deal_event.at,
        closed_at=None,
        updated_at=deal_event.at,
    )
    company_deals.add(deal)
    because = "a meeting was booked, and the company had no active deal"
    company_deals.add_entry(
        deal_event, "deal.opened", because, deal.id, {"status": [None, "active"], "stage": [None, FIRST_STAGE]}
    )


def _cancelled(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent, rules: Rules) -> None:
    if meeting.deal_id is None or company_deals.by_id[meeting.deal_id].status != "active":
        return
    deal = company_deals.by_id[meeting.deal_id]
    if _has_other_dates(company_deals, meeting):
        because = "one date of a series was cancelled, and others stand: decide whether to go on"
        company_deals.add_entry(deal_event, "deal.meeting_cancelled", because, deal.id)
        return
    if rules.cancel_deal == "last_meeting" and _has_later_meeting(company_deals, deal.id, deal_event.at):
        company_deals.add_entry(deal_event, "deal.kept", "the deal has another upcoming meeting", deal.id)
        return
    if deal.id in company_deals.manually_opened or deal.stage not in (FIRST_STAGE, MET_STAGE):
        because = "its meeting was cancelled, but a person opened the deal or moved it on: decide whether to go on"
        company_deals.add_entry(deal_event, "deal.meeting_cancelled", because, deal.id)
        return
    after = replace(deal, status="cancelled", cancelled_by=deal_event.stream_id, closed_at=deal_event.at)
    company_deals.replace_deal(deal_event, after, "deal.cancelled", "its meeting was cancelled")


def _has_other_dates(company_deals: CompanyDeals, meeting: MeetingState) -> bool:
    """Return whether another date of the meeting's series was held or is still to be (M12)."""
    return meeting.series_uid is not None and any(
        other.is_scheduled and other.deal_id == meeting.deal_id and other.series_uid == meeting.series_uid
        for other in company_deals.meetings.values()
    )


def _has_later_meeting(company_deals: CompanyDeals, deal_id: UUID, at: datetime) -> bool:
    return any(
        other.is_scheduled and other.deal_id == deal_id and other.start_time is not None and other.start_time > at
        for other in company_deals.meetings.values()
    )


def _showed(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent) -> None:
    # A held meeting counts for the company's current deal, even if its own deal was cancelled in the meantime.
    if company_deals.active_id is not None and not meeting.is_attached:
        meeting.deal_id = company_deals.active_id
    if meeting.deal_id is None:
        return
    deal = company_deals.by_id[meeting.deal_id]
    if deal.status == "active" and deal.stage == FIRST_STAGE:
        if meeting.is_outweighed and deal_event.actor is None:
            company_deals.add_entry(deal_event, "deal.kept", "a person put the deal back after this meeting", deal.id)
            return
        company_deals.manually_met.discard(deal.id)
        after = replace(deal, stage=MET_STAGE, stage_entered_at=deal_event.at)
        company_deals.replace_deal(deal_event, after, "deal.moved", "the meeting was held")


def _unshowed(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent) -> None:
    if meeting.deal_id is None or meeting.deal_id in company_deals.manually_met:
        return
    deal = company_deals.by_id[meeting.deal_id]
    has_other_showed = any(
        other.showed and other.deal_id == meeting.deal_id for other in company_deals.meetings.values()
    )
    if deal.status == "active" and deal.stage == MET_STAGE and not has_other_showed:
        after = replace(deal, stage=FIRST_STAGE, stage_entered_at=deal_event.at)
        company_deals.replace_deal(
            deal_event, after, "deal.moved", "the meeting that moved the deal to this stage was not held"
        )


def _reassigned(company_deals: CompanyDeals, meeting: MeetingState, deal_event: DealEvent) -> None:
    if meeting.deal_id is None:
        return
    deal = company_deals.by_id[meeting.deal_id]
    if deal.owner_email in meeting.past_hosts and deal.owner_email != deal_event.organizer_email:
        after = replace(deal, owner_email=deal_event.organizer_email)
        company_deals.replace_deal(deal_event, after, "deal.reassigned", "its meeting has another host")
