"""The effects of meetings and commands on the deals of a company (PI1, PI3 to PI7, PI12)."""

from typing import Any

from tests.model.source_events import SourceEvent
from tests.model.values import Booking, Deal, ReferenceModel

STAGES = ["booked", "met", "proposal", "negotiation"]


def active_deal(model: ReferenceModel, company: str | None) -> Deal | None:
    """Returns the company's active deal; there is at most one."""
    return next((one for one in model.deals if one.company == company and one.status == "active"), None)


def meeting_booked(model: ReferenceModel, booking: Booking) -> None:
    """PI1, PI7: uses or opens the company's active deal. PI3: reactivates the deal that its cancellation cancelled."""
    booking.past_hosts.add(booking.host)
    company, current = model.company_of(booking), booking.deal
    if company is None:
        return
    active_now = active_deal(model, company)
    if current is None:
        booking.deal = active_now or Deal(company, booking, owner=booking.host)
        if active_now is None:
            model.deals.append(booking.deal)
    elif current.status == "cancelled" and _is_cancelled_by(current, booking):
        # At most one deal is active, so the booking joins the deal that its company has now.
        if active_now is not None:
            booking.deal = active_now
        else:
            current.status, current.cancelled_by = "active", None


def _is_cancelled_by(deal: Deal, booking: Booking) -> bool:
    """M12: the dates of a series cancel their deal together."""
    other = deal.cancelled_by
    is_same_series = isinstance(other, Booking) and other.series is not None and other.series == booking.series
    return other is booking or is_same_series


def meeting_cancelled(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI4: cancels the booking's active deal; under the other rule, only with its last meeting.

    It never cancels a deal that a person opened, or moved beyond met, nor for one date of a series while others stand.
    """
    deal = booking.deal
    if deal is None or deal.status != "active":
        return
    others = [one for one in model.bookings if one.deal is deal and one.status == "ACCEPTED"]
    is_another_ahead = any(one.start > event.at for one in others)
    if booking.series is not None and any(one.series == booking.series for one in others):
        return
    if deal.manually_opened or deal.stage not in ("booked", "met"):
        return
    if not (model.rule("cancel_deal", "always", event.at) == "last_meeting" and is_another_ahead):
        deal.status, deal.cancelled_by = "cancelled", booking


def booker_attended(model: ReferenceModel, booking: Booking, *, is_reported_by_person: bool) -> None:
    """PI5: moves the active deal from booked to met, never back. M10: not if a person put it back to booked since."""
    booking.counts_as_held = booking.has_attendance = True
    active_now = active_deal(model, model.company_of(booking))
    if active_now is not None and not booking.is_deal_attached:
        booking.deal = active_now
    deal = booking.deal
    if booking.is_outweighed and not is_reported_by_person:
        return
    if deal is not None and (deal.status, deal.stage) == ("active", "booked"):
        deal.stage, deal.manually_met = "met", False


def booker_missed(model: ReferenceModel, booking: Booking) -> None:
    """PI5: moves back a deal that was on met only because of this booking."""
    booking.counts_as_held, booking.has_attendance, deal = False, True, booking.deal
    others = any(one.counts_as_held and one.deal is deal for one in model.bookings)
    if deal is not None and (deal.status, deal.stage) == ("active", "met") and not (others or deal.manually_met):
        deal.stage = "booked"


def host_changed(_model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: sets the new organizer. The deal's owner follows, unless the owner never hosted this booking."""
    booking.host = event.fields["organizer"]["email"]
    if booking.deal is not None and booking.deal.owner in booking.past_hosts:
        booking.deal.owner = booking.host
    booking.past_hosts.add(booking.host)


def manually_opened(model: ReferenceModel, event: SourceEvent) -> None:
    """PI12: opens a deal without a booking. If older events show another active deal, this one takes its place."""
    deal, change = Deal(event.fields["company"], event.id, manually_opened=True), event.fields.get("change", {})
    other = active_deal(model, deal.company)
    if (flaw := _flaw(deal, change)) is not None:
        model.refused[event.id] = flaw
        model.opened[f"deal:{event.id}"] = None
        return
    conflict = "the company has an active deal" if other is not None else _conflict(model, deal, change, event)
    if conflict is not None:
        model.refused[event.id] = conflict
    _apply_change(deal, change)
    if deal.status == "active":
        _make_room(model, deal, other)
    model.deals.append(deal)
    model.opened[f"deal:{event.id}"] = deal


def manually_changed(model: ReferenceModel, deal: Deal | None, event: SourceEvent) -> None:
    """PI12, AP2: changes stage, status, amount or owner, as far as the rules allow."""
    change = event.fields["change"]
    if deal is None:
        model.refused[event.id] = "there is no deal"
        return
    if (flaw := _flaw(deal, change)) is not None:
        model.refused[event.id] = flaw
        return
    conflict, other = _conflict(model, deal, change, event), active_deal(model, deal.company)
    if conflict is not None:
        model.refused[event.id] = conflict
        if "stage" in change and "status" not in change and deal.status != "active":
            change = change | {"status": "active"}
    _apply_change(deal, change)
    if deal.status == "active" and other is not deal:
        _make_room(model, deal, other)
    if change.get("stage") == "booked":
        for one in model.bookings:
            one.is_outweighed = one.is_outweighed or (one.deal is deal and one.has_attendance)


def _make_room(model: ReferenceModel, deal: Deal, other: Deal | None) -> None:
    """PI1, PI12: a deal that only events opened joins the deal that a person made active; another one is closed."""
    if other is None:
        return
    if other.manually_changed:
        other.status, other.cancelled_by = "cancelled", None
        return
    for booking in model.bookings:
        if booking.deal is other:
            booking.deal = deal
    model.deals.remove(other)


def booking_deal_changed(model: ReferenceModel, _booking: Booking, event: SourceEvent) -> None:
    """Changes the deal that is named after this booking."""
    manually_changed(model, _deal_by_name(model, event.fields["subject"]), event)


def _flaw(deal: Deal, change: dict[str, Any]) -> str | None:
    """Returns what the change lacks in itself."""
    status = change.get("status", deal.status)
    if status == "lost" and not change.get("lost_reason", deal.lost_reason):
        return "a deal that is lost has a reason"
    return "only a lost deal has such a reason" if "lost_reason" in change and status != "lost" else None


def _conflict(model: ReferenceModel, deal: Deal, change: dict[str, Any], event: SourceEvent) -> str | None:
    """Returns why the change does not fit the state as it turns out to have been."""
    status = change.get("status", deal.status)
    if "stage" in change and change["stage"] not in model.rule("stages", STAGES, event.at):
        return "no such stage"
    if change.get("stage", deal.stage) != deal.stage and "active" not in (deal.status, status):
        return "only an active deal changes its stage"
    if status != deal.status and "active" not in (deal.status, status):
        return "won and lost lead through active"
    if status == "active" != deal.status and active_deal(model, deal.company) is not None:
        return "at most one deal of a company is active"
    return None


def _apply_change(deal: Deal, change: dict[str, Any]) -> None:
    deal.manually_changed = True
    if change.get("status", deal.status) != deal.status:
        deal.cancelled_by = None
    deal.status, deal.stage = change.get("status", deal.status), change.get("stage", deal.stage)
    deal.owner = change.get("owner_email", deal.owner)
    deal.amount, deal.currency = change.get("amount", deal.amount), change.get("currency", deal.currency)
    deal.lost_reason = change.get("lost_reason", deal.lost_reason) if deal.status == "lost" else None
    deal.manually_met = deal.stage == "met"


def booking_attached(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI12: moves the booking to another company or another deal."""
    booking.attached_company = event.fields["company"]
    if event.fields.get("deal") is None:
        return
    deal = _deal_by_name(model, event.fields["deal"])
    if deal is None or deal.company != model.company_of(booking):
        model.refused[event.id] = "the company has no such deal"
        return
    previous, booking.deal, booking.is_deal_attached = booking.deal, deal, True
    # No booking has this deal and no command changed it: it was only opened because the booking was taken for another
    # one.
    is_unused = previous is not deal and all(one.deal is not previous for one in model.bookings)
    if previous is not None and is_unused and not previous.manually_changed:
        model.deals.remove(previous)


def _deal_by_name(model: ReferenceModel, name: str) -> Deal | None:
    """Returns the deal that the booking or the event opened; else the deal that the booking belongs to."""
    for one in model.bookings:
        if name.removeprefix("uid:") in one.uids:
            return next((deal for deal in model.deals if deal.opened_by is one), one.deal)
    return model.opened.get(name)
