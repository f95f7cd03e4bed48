"""What meetings and people do to the deals of a company (PI1, PI3 to PI7, PI12)."""

from typing import Any

from tests.model.facts import Fact
from tests.model.values import Booking, Deal, World

STAGES = ["booked", "met", "proposal", "negotiation"]


def active(world: World, company: str | None) -> Deal | None:
    """At most one active deal per company."""
    return next((one for one in world.deals if one.company == company and one.status == "active"), None)


def meeting_stands(world: World, booking: Booking) -> None:
    """PI1, PI7: the company's active deal, or a new one. PI3: the one that its cancellation had cancelled is back."""
    booking.hosted_by.add(booking.host)
    company, own = world.company_of(booking), booking.deal
    if company is None:
        return
    now = active(world, company)
    if own is None:
        booking.deal = now or Deal(company, booking, owner=booking.host)
        if now is None:
            world.deals.append(booking.deal)
    elif own.status == "cancelled" and own.cancelled_by is booking:
        # At most one is active, so it joins the one that its company has by now.
        if now is not None:
            booking.deal = now
        else:
            own.status, own.cancelled_by = "active", None


def meeting_called_off(world: World, booking: Booking, fact: Fact) -> None:
    """PI4: the booking's active deal is cancelled; by the other rule, only with its last meeting."""
    deal = booking.deal
    if deal is None or deal.status != "active":
        return
    others = [one for one in world.bookings if one.deal is deal and one.status == "ACCEPTED"]
    ahead = any(one.start > fact.at for one in others)
    if not (world.rule("cancel_deal", "always", fact.at) == "last_meeting" and ahead):
        deal.status, deal.cancelled_by = "cancelled", booking


def booker_came(world: World, booking: Booking) -> None:
    """PI5: the active deal booked → met, never backwards."""
    booking.counts_as_held = True
    now = active(world, world.company_of(booking))
    if now is not None and not booking.to_a_deal:
        booking.deal = now
    deal = booking.deal
    if deal is not None and (deal.status, deal.stage) == ("active", "booked"):
        deal.stage, deal.met_by_hand = "met", False


def booker_did_not_come(world: World, booking: Booking) -> None:
    """PI5: a deal that stood on met only because of this booking goes back."""
    booking.counts_as_held, deal = False, booking.deal
    others = any(one.counts_as_held and one.deal is deal for one in world.bookings)
    if deal is not None and (deal.status, deal.stage) == ("active", "met") and not (others or deal.met_by_hand):
        deal.stage = "booked"


def host_changed(_world: World, booking: Booking, fact: Fact) -> None:
    """PI6: a new organizer; the deal's owner follows, unless that is somebody who never hosted this booking."""
    booking.host = fact.said["organizer"]["email"]
    if booking.deal is not None and booking.deal.owner in booking.hosted_by:
        booking.deal.owner = booking.host
    booking.hosted_by.add(booking.host)


def opened_by_hand(world: World, fact: Fact) -> None:
    """PI12: a deal without a booking."""
    deal, change = Deal(fact.said["company"], fact.id), fact.said.get("change", {})
    because = "the company has an active deal" if active(world, deal.company) is not None else None
    because = because or _why_not(world, deal, change, fact)
    if because is not None:
        world.refused[fact.id] = because
        world.opened[f"deal:{fact.id}"] = None
        return
    world.deals.append(deal)
    world.opened[f"deal:{fact.id}"] = deal
    _change(deal, change)


def changed_by_hand(world: World, deal: Deal | None, fact: Fact) -> None:
    """PI12, AP2: another stage, status, amount or owner, as far as the rules allow."""
    change = fact.said["change"]
    because = "there is no deal" if deal is None else _why_not(world, deal, change, fact)
    if deal is None or because is not None:
        world.refused[fact.id] = str(because)
    else:
        _change(deal, change)


def its_deal_changed(world: World, _booking: Booking, fact: Fact) -> None:
    """A change of the deal that is named after this booking."""
    changed_by_hand(world, _named(world, fact.said["deal"]), fact)


def _why_not(world: World, deal: Deal, change: dict[str, Any], fact: Fact) -> str | None:
    status = change.get("status", deal.status)
    if "stage" in change and change["stage"] not in world.rule("stages", STAGES, fact.at):
        return "no such stage"
    if change.get("stage", deal.stage) != deal.stage and "active" not in (deal.status, status):
        return "only an active deal changes its stage"
    if status != deal.status and "active" not in (deal.status, status):
        return "won and lost lead through active"
    if status == "active" != deal.status and active(world, deal.company) is not None:
        return "at most one deal of a company is active"
    if status == "lost" and not change.get("lost_reason", deal.lost_reason):
        return "a deal that is lost has a reason"
    return "only a lost deal has such a reason" if "lost_reason" in change and status != "lost" else None


def _change(deal: Deal, change: dict[str, Any]) -> None:
    deal.changed_by_hand = True
    if change.get("status", deal.status) != deal.status:
        deal.cancelled_by = None
    deal.status, deal.stage = change.get("status", deal.status), change.get("stage", deal.stage)
    deal.owner = change.get("owner_email", deal.owner)
    deal.amount, deal.currency = change.get("amount", deal.amount), change.get("currency", deal.currency)
    deal.lost_reason = change.get("lost_reason", deal.lost_reason) if deal.status == "lost" else None
    deal.met_by_hand = deal.stage == "met"


def booking_attached(world: World, booking: Booking, fact: Fact) -> None:
    """PI12: the booking is another company's, or another deal's."""
    booking.attached = fact.said["company"]
    if fact.said.get("deal") is None:
        return
    deal = _named(world, fact.said["deal"])
    if deal is None or deal.company != world.company_of(booking):
        world.refused[fact.id] = "the company has no such deal"
        return
    left, booking.deal, booking.to_a_deal = booking.deal, deal, True
    # Nobody's and never touched: it only stood because the booking was taken for one of another deal.
    needless = left is not deal and all(one.deal is not left for one in world.bookings)
    if left is not None and needless and not left.changed_by_hand:
        world.deals.remove(left)


def _named(world: World, name: str) -> Deal | None:
    """A deal by the booking, or the event, that opened it; else the one that the booking is of."""
    for one in world.bookings:
        if name.removeprefix("uid:") in one.uids:
            return next((own for own in world.deals if own.opened_by is one), one.deal)
    return world.opened.get(name)
