"""What the form of an outcome says about offering another time to somebody who did not come (TE11)."""

from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.pipeline.messages import follow_up_times
from showup.pipeline.rules import Rules
from showup.reads.agenda import AgendaMeeting
from showup.reads.offer import Offer, load_offer
from showup.values.time_zone import zone_of
from showup.web.dashboard.words import Viewer, city_of, count

_SUPPRESSED: Final = {
    "bounced": "mails to this address bounced",
    "complained": "they called our mail spam",
    "unsubscribed": "they unsubscribed",
    "unreachable": "this address can't be reached",
}


class OfferView(Struct, frozen=True, kw_only=True):
    """The choice. `words`: what goes when, or why nothing can; `is_on`: whether it is chosen already."""

    words: str
    is_possible: bool
    is_on: bool


async def offer_view(
    tx: AsyncConnection, permission: Permission, meeting: AgendaMeeting, viewer: Viewer, rules: Rules
) -> OfferView:
    """Return what an offer would do now."""
    if meeting.email is None:
        return OfferView(words="No mail: the booking has no email address.", is_possible=False, is_on=False)
    offer = await load_offer(tx, permission, meeting.id, meeting.email)
    if offer.state in ("delivered", "previewed", "sending"):
        return OfferView(words="Another time was offered already.", is_possible=False, is_on=True)
    if because := _why_not(offer, meeting, viewer, rules):
        return OfferView(words=f"No mail goes: {because}.", is_possible=False, is_on=False)
    zone = zone_of(meeting.time_zone, viewer.zone.key)
    due_at, expires_at = follow_up_times(meeting.end_time, viewer.now, zone, rules)
    if due_at >= expires_at:
        return OfferView(words="Too late for a mail: the meeting was too long ago.", is_possible=False, is_on=False)
    at = offer.due_at if offer.state == "scheduled" and offer.due_at is not None else due_at
    there = at.astimezone(zone)
    theirs = "" if zone.key == viewer.zone.key else f" ({there:%H:%M} in {city_of(zone.key)})"
    begins, ends = rules.follow_up_quiet_hours
    quiet = "" if begins == ends else f", never between {begins} and {ends} there"
    words = (
        f"A mail with the way to book again goes to {meeting.email} {viewer.day(at)} {viewer.hour(at)}{theirs}{quiet}."
    )
    is_on = offer.state == "scheduled" if offer.state is not None else rules.follow_up
    return OfferView(words=f"{words} Until then you can take it back here.", is_possible=True, is_on=is_on)


def _why_not(offer: Offer, meeting: AgendaMeeting, viewer: Viewer, rules: Rules) -> str | None:
    if meeting.simulated:
        return "this is sample data"
    if offer.suppressed is not None:
        return _SUPPRESSED.get(offer.suppressed, "this address gets no mail")
    if offer.last_at is not None and viewer.now - offer.last_at < rules.follow_up_at_most_every:
        span = count(rules.follow_up_at_most_every.days, "day")
        return f"they got an offer {viewer.moment(offer.last_at)}, and one is enough for {span}"
    return None
