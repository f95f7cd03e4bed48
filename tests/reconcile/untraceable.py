"""Lost webhooks that leave no trace in the fake Cal.com's API, so that Showup can't repair them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.fake_calcom.rows import Booking, SentWebhook
from tests.fake_calcom.world import World

_EMAIL = re.compile(r'"email":"([^"]+)"')


@dataclass(frozen=True)
class Untraceable:
    """Bookings (by uid) and companies (by domain) with a change that left no trace in the API."""

    uids: frozenset[str]
    domains: frozenset[str]

    def covers(self, noun: str, key: Any) -> bool:
        if noun == "bookings":
            return key in self.uids
        domain = re.split("[@:]", key[0] if noun == "deals" else key)[-1]
        return domain in self.domains


def find_untraceable(world: World, lost_webhooks: Iterable[SentWebhook]) -> Untraceable:
    lost_by_uid: dict[str, list[SentWebhook]] = {}
    for webhook in lost_webhooks:
        lost_by_uid.setdefault(webhook.uid or "", []).append(webhook)
    uids = {
        uid
        for uid, webhooks in lost_by_uid.items()
        if uid in world.bookings and _is_untraceable(world.bookings[uid], webhooks)
    }
    chains = {one for uid in uids for one in _chain(world, uid)}
    bodies = [webhook.body.decode() for webhook in world.sent_webhooks if webhook.uid in uids]
    domains = {email.rpartition("@")[2].lower() for body in bodies for email in _EMAIL.findall(body)}
    return Untraceable(frozenset(chains), frozenset(domains))


def _is_untraceable(booking: Booking, lost_webhooks: list[SentWebhook]) -> bool:
    triggers = [webhook.trigger for webhook in lost_webhooks]
    # A mark that was set and removed.
    if triggers.count("BOOKING_NO_SHOW_UPDATED") > 1:
        return True
    # When a seat was taken or given back decides about its company's deal: the API has only the booking's last change,
    # and nothing of a seat that was given back.
    if booking.event_type.seats is not None and {"BOOKING_CREATED", "BOOKING_CANCELLED"} & set(triggers):
        return True
    creations = [webhook for webhook in lost_webhooks if webhook.trigger in ("BOOKING_CREATED", "BOOKING_RESCHEDULED")]
    # The acceptance of a booking that was moved or cancelled later; the host before a reassignment.
    is_reassigned = any(f'"{booking.host.email}"' not in webhook.body.decode() for webhook in creations)
    return is_reassigned or (bool(creations) and booking.event_type.confirmation and booking.status == "CANCELLED")


def _chain(world: World, uid: str) -> Iterator[str]:
    while (previous := world.bookings[uid].from_uid) is not None:
        uid = previous
    while uid in world.bookings:
        yield uid
        successor = world.successor_of(uid)
        if successor is None:
            return
        uid = successor.uid
