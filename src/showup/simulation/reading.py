"""Reads a run back through the public API, page by page, into the same natural keys as the truth has."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias

import httpx2

from showup.simulation.truth import BookingTruth, DealTruth, PersonTruth, Truth

Json: TypeAlias = dict[str, Any]

_PAGE = 200
_AT_ONCE = 16
_UNSETTLED = ("kept", "failed")


class CannotRead(Exception):
    """The API did not answer as it promises; the message says which path and what came."""


class Reader:
    """Asks one Showup with one key; `client` has the address as its `base_url` and the key in its headers."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def unsettled(self, event_ids: Collection[str]) -> set[str]:
        """Which of these events are not applied yet."""
        waiting = [item["id"] for state in _UNSETTLED for item in await self._all("/api/events", state=state)]
        return set(event_ids).intersection(waiting)

    async def standing(self, tag: str, addresses: Collection[str]) -> Truth:
        """All that stands of the run with this `tag` and these attendees' `addresses`, as the API says it."""
        bookings = [one for one in await self._all("/api/bookings") if _text(one, "calcom_uid").startswith(tag)]
        deals = [one for one in await self._all("/api/deals") if _is_of_run(_domain(one), tag)]
        companies = [one for one in await self._all("/api/companies") if _is_of_run(_text(one, "domain"), tag)]
        people = [one for one in await self._all("/api/people") if _text(one, "email") in addresses]
        details = await self._details(bookings)
        return Truth(
            {one["calcom_uid"]: _booking(one) for one in details},
            tuple(_deal(one, bookings) for one in deals),
            {one["domain"]: one["name"] for one in companies},
            {one["email"]: PersonTruth(one["email"], one["name"] or None, _domain(one)) for one in people},
        )

    async def _details(self, bookings: list[Json]) -> list[Json]:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(booking: Json) -> Json:
            async with room:
                return await self._get(f"/api/bookings/{booking['id']}")

        return list(await asyncio.gather(*map(one, bookings)))

    async def _all(self, path: str, **filters: str) -> list[Json]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            at = {"cursor": cursor} if cursor is not None else {}
            page = await self._get(path, limit=str(_PAGE), **filters, **at)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def _get(self, path: str, **query: str) -> Json:
        try:
            response = await self._client.get(path, params=query)
        except httpx2.TransportError as fault:
            raise CannotRead(f"GET {path}: {type(fault).__name__} {fault}") from None
        if response.status_code != 200:
            raise CannotRead(f"GET {path}: answered {response.status_code}: {response.text[:200]}")
        found = response.json()
        assert isinstance(found, dict), "the API answers with objects"
        return found


async def caught_up(
    reader: Reader, event_ids: Collection[str], *, within_for: float, poll_for: float = 0.2
) -> set[str]:
    """Waits at most `within_for` seconds until the events are applied, and says which are not."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_for
    while left := await reader.unsettled(event_ids):
        if loop.time() >= until:
            break
        await asyncio.sleep(poll_for)
    return left


def _booking(one: Json) -> BookingTruth:
    attendance = one["attendance"]
    return BookingTruth(
        calcom_uid=one["calcom_uid"],
        calcom_booking_id=str(one["calcom_booking_id"]),
        title=one["title"],
        start_time=datetime.fromisoformat(one["start_time"]),
        end_time=datetime.fromisoformat(one["end_time"]),
        status=one["status"],
        attended=one["attended"],
        state=attendance["state"],
        # What an absent host's booking rests on says nothing about the guest.
        evidence=attendance["evidence"] if one["attended"] is not None else None,
        person=_inner(one, "person", "email"),
        company=_inner(one, "company", "domain"),
        organizer_email=_text(one, "organizer_email"),
        reschedule_count=one["reschedule_count"],
        meeting_url=_text(one, "meeting_url"),
        attendees={
            _text(seat, "email") or _text(seat, "phone"): seat["attended"]
            for seat in one["attendees"]
            if seat["cancelled_at"] is None
        },
    )


def _deal(one: Json, bookings: list[Json]) -> DealTruth:
    uids = frozenset(booking["calcom_uid"] for booking in bookings if booking["deal_id"] == one["id"])
    return DealTruth(_domain(one) or "", one["status"], one["stage"], _text(one, "owner_email"), uids)


def _is_of_run(domain: str | None, tag: str) -> bool:
    return domain is not None and domain.endswith(f"-{tag}.example")


def _domain(one: Json) -> str | None:
    return _inner(one, "company", "domain")


def _inner(one: Json, name: str, key: str) -> str | None:
    inner = one.get(name)
    return inner[key] if inner is not None else None


def _text(one: Json, name: str) -> str:
    return one.get(name) or ""
