"""What a loopback Cal.com does not say any more once it was lost, so that nobody can heal it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.calcom_far.rows import Booking, News
from tests.calcom_far.world import World

_EMAIL = re.compile(r'"email":"([^"]+)"')


@dataclass(frozen=True)
class Forgotten:
    """Bookings by uid, and companies by domain, of which something happened that left no trace in the API."""

    uids: frozenset[str]
    domains: frozenset[str]

    def concerns(self, noun: str, key: Any) -> bool:
        if noun == "bookings":
            return key in self.uids
        domain = re.split("[@:]", key[0] if noun == "deals" else key)[-1]
        return domain in self.domains


def forgotten(world: World, lost: Iterable[News]) -> Forgotten:
    lost_of: dict[str, list[News]] = {}
    for news in lost:
        lost_of.setdefault(news.uid or "", []).append(news)
    uids = {uid for uid, its in lost_of.items() if uid in world.bookings and _left_no_trace(world.bookings[uid], its)}
    chains = {one for uid in uids for one in _chain(world, uid)}
    bodies = [news.body.decode() for news in world.said if news.uid in uids]
    domains = {email.rpartition("@")[2].lower() for body in bodies for email in _EMAIL.findall(body)}
    return Forgotten(frozenset(chains), frozenset(domains))


def _left_no_trace(booking: Booking, lost: list[News]) -> bool:
    triggers = [news.trigger for news in lost]
    # A mark that was set and taken back; a seat that was taken and given back.
    if triggers.count("BOOKING_NO_SHOW_UPDATED") > 1:
        return True
    if booking.event_type.seats is not None and {"BOOKING_CREATED", "BOOKING_CANCELLED"} <= set(triggers):
        return True
    made = [news for news in lost if news.trigger in ("BOOKING_CREATED", "BOOKING_RESCHEDULED")]
    # A yes to a booking that moved or was called off later; the host before the one whom it was handed to.
    handed_over = any(f'"{booking.host.email}"' not in news.body.decode() for news in made)
    return handed_over or (bool(made) and booking.event_type.confirmation and booking.status == "CANCELLED")


def _chain(world: World, uid: str) -> Iterator[str]:
    while (before := world.bookings[uid].from_uid) is not None:
        uid = before
    while uid in world.bookings:
        yield uid
        heir = world.heir_of(uid)
        if heir is None:
            return
        uid = heir.uid
