"""Reads a run back through the public API, page by page, with the same natural keys as the truth."""

import asyncio
from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeAlias

import httpx2

from showup.simulation.campaign_truth import FoundLead, FoundMatches, FunnelTruth
from showup.simulation.truth import BookingTruth, DealTruth, PersonTruth, Truth

Json: TypeAlias = dict[str, Any]

_PAGE_SIZE = 200
_CONCURRENCY = 16
_UNPROCESSED_STATES = ("pending", "failed")


class ApiReadError(Exception):
    """The API's answer was unexpected; the message has the path and the answer."""


class ApiReader:
    """Reads from one Showup with one API key; `client` has the address in `base_url` and the key in its headers."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._run_details: list[Json] = []

    async def unprocessed(self, event_ids: Collection[str]) -> set[str]:
        """Returns which of these events are not applied yet."""
        waiting = [
            event["id"] for state in _UNPROCESSED_STATES for event in await self._list("/api/events", state=state)
        ]
        return set(event_ids).intersection(waiting)

    async def read_truth(self, tag: str, addresses: Collection[str]) -> Truth:
        """Returns the API's data of the run with this `tag` and these attendees' `addresses`."""
        bookings = [item for item in await self._list("/api/bookings") if _text(item, "calcom_uid").startswith(tag)]
        deals = [item for item in await self._list("/api/deals") if _is_of_run(_domain(item), tag)]
        companies = [item for item in await self._list("/api/companies") if _is_of_run(_text(item, "domain"), tag)]
        people = [item for item in await self._list("/api/people") if _text(item, "email") in addresses]
        details = self._run_details = await self._details(bookings)
        return Truth(
            {item["calcom_uid"]: _booking(item) for item in details},
            tuple(_deal(item, bookings) for item in deals),
            {item["domain"]: item["name"] for item in companies},
            {item["email"]: PersonTruth(item["email"], item["name"] or None, _domain(item)) for item in people},
        )

    async def read_matches(self) -> FoundMatches:
        """Returns the matches of the bookings that `read_truth` has read, and the leads suggested for the others."""
        linked = {
            (item["calcom_uid"], one["attendee"]): FoundLead(one["lead"]["email"], one["campaign"]["name"])
            for item in self._run_details
            for one in item["matches"]
        }
        uids = {item["id"]: item["calcom_uid"] for item in self._run_details}
        suggested = {
            (uids[item["booking_id"]], item["attendee"]): frozenset(one["lead"]["email"] for one in item["candidates"])
            for item in await self._list("/api/unmatched")
            # A Showup that compares addresses only suggests nobody.
            if item["booking_id"] in uids and "candidates" in item
        }
        return FoundMatches(linked, suggested)

    async def read_funnels(self, campaigns: Collection[str]) -> dict[str, FunnelTruth]:
        """Returns the funnels of these campaigns, by name."""
        numbers = [item["id"] for item in await self._list("/api/campaigns") if item["name"] in campaigns]
        if not numbers:
            return {}
        funnel = await self._get("/api/funnel", group_by="campaign", simulated="all", campaign_id=numbers)
        return {item["group"]["campaign"]["name"]: _funnel(item) for item in funnel["items"]}

    async def import_leads(self, file: bytes) -> None:
        """Imports a file of leads, of which each row names its campaign."""
        path = "/api/leads/import"
        headers = {"Content-Type": "text/csv"}
        try:
            response = await self._client.post(path, params={"campaign": "Simulation"}, content=file, headers=headers)
        except httpx2.TransportError as error:
            raise ApiReadError(f"POST {path}: {type(error).__name__} {error}") from None
        if response.status_code != 200:
            raise ApiReadError(f"POST {path}: answered {response.status_code}: {response.text[:200]}")

    async def _details(self, bookings: list[Json]) -> list[Json]:
        semaphore = asyncio.Semaphore(_CONCURRENCY)

        async def fetch(booking: Json) -> Json:
            async with semaphore:
                return await self._get(f"/api/bookings/{booking['id']}")

        return list(await asyncio.gather(*map(fetch, bookings)))

    async def _list(self, path: str, **filters: str) -> list[Json]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            cursor_query = {"cursor": cursor} if cursor is not None else {}
            page = await self._get(path, limit=str(_PAGE_SIZE), **filters, **cursor_query)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def _get(self, path: str, **query: str | list[int]) -> Json:
        try:
            response = await self._client.get(path, params=query)
        except httpx2.TransportError as error:
            raise ApiReadError(f"GET {path}: {type(error).__name__} {error}") from None
        if response.status_code != 200:
            raise ApiReadError(f"GET {path}: answered {response.status_code}: {response.text[:200]}")
        found = response.json()
        assert isinstance(found, dict), "every response of the API is an object"
        return found


async def wait_until_processed(
    reader: ApiReader, event_ids: Collection[str], *, time_limit: float, poll_interval: float = 0.2
) -> set[str]:
    """Waits at most `time_limit` seconds until the events are applied, and returns those that are not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + time_limit
    while remaining := await reader.unprocessed(event_ids):
        if loop.time() >= deadline:
            break
        await asyncio.sleep(poll_interval)
    return remaining


def _funnel(item: Json) -> FunnelTruth:
    return FunnelTruth(**{step.name: item[step.name] for step in fields(FunnelTruth)})


def _booking(item: Json) -> BookingTruth:
    attendance = item["attendance"]
    return BookingTruth(
        calcom_uid=item["calcom_uid"],
        calcom_booking_id=str(item["calcom_booking_id"]),
        title=item["title"],
        start_time=datetime.fromisoformat(item["start_time"]),
        end_time=datetime.fromisoformat(item["end_time"]),
        status=item["status"],
        attended=item["attended"],
        state=attendance["state"],
        # The evidence for a booking with an absent host says nothing about the guest.
        evidence=attendance["evidence"] if item["attended"] is not None else None,
        person=_nested(item, "person", "email"),
        company=_nested(item, "company", "domain"),
        organizer_email=_text(item, "organizer_email"),
        reschedule_count=item["reschedule_count"],
        meeting_url=_text(item, "meeting_url"),
        attendees={
            _text(seat, "email") or _text(seat, "phone"): seat["attended"]
            for seat in item["attendees"]
            if seat["cancelled_at"] is None
        },
    )


def _deal(item: Json, bookings: list[Json]) -> DealTruth:
    uids = frozenset(booking["calcom_uid"] for booking in bookings if booking["deal_id"] == item["id"])
    return DealTruth(_domain(item) or "", item["status"], item["stage"], _text(item, "owner_email"), uids)


def _is_of_run(domain: str | None, tag: str) -> bool:
    return domain is not None and domain.endswith(f"-{tag}.example")


def _domain(item: Json) -> str | None:
    return _nested(item, "company", "domain")


def _nested(item: Json, name: str, key: str) -> str | None:
    nested = item.get(name)
    return nested[key] if nested is not None else None


def _text(item: Json, name: str) -> str:
    return item.get(name) or ""
