"""Cal.com's API v2, asked with one key: who it belongs to, bookings, event types, free times, webhooks, absence."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import httpx2

from showup.clock import Clock
from showup.sources.calcom import api_reading as read
from showup.sources.calcom.api_budget import Budget
from showup.sources.calcom.api_calls import Call, Calls
from showup.sources.calcom.api_dialect import Dialect
from showup.sources.calcom.api_faults import CalcomRefuses
from showup.sources.calcom.api_pages import SKIP, page, query, skipped_page, skipping_query
from showup.sources.calcom.api_values import ApiBooking, BookingsAsked, BookingsPage, EventType, Me, Slot
from showup.sources.calcom.api_webhooks import USER, Webhook, WebhookScope, WebhookWanted, webhook
from showup.sources.calcom.payload import Json, mapping

_EVENT_TYPES, _SLOTS = "2024-06-14", "2024-09-04"
_NOBODY: Final[Mapping[str, bool]] = MappingProxyType({})
_MOST_WEBHOOKS = 250


class Calcom:
    """One Cal.com account's API. `client` is the process's; `url` has /v2 and no slash at the end: regions and
    self-hosted instances are just another one. `key` is an API key or any other bearer token.

    Every call may raise `CalcomAway`, no usable answer after all tries, and `CalcomRefuses`. Whoever shares the key
    shares its `budget`. `chance` and `pause` are for waiting between tries.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        budget: Budget | None = None,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = Calls(client, url=url, key=key, clock=clock, budget=budget, chance=chance, pause=pause)
        self._list = Dialect(today="2026-05-01", before="2024-08-13")
        self._bookings = Dialect(today="2026-02-25", before="2024-08-13")

    async def me(self) -> Me:
        """Whose key it is."""
        return read.me(mapping(await self._data(Call(path="/me"))))

    async def event_types(self, username: str | None = None) -> list[EventType]:
        """Those of the key's owner, or the public ones of somebody else."""
        asked = {} if username is None else {"username": username}
        data = await self._data(Call(path="/event-types", query=asked, version=_EVENT_TYPES))
        if not isinstance(data, list):
            raise read.strange("event types are no list")
        return read.event_types(data)

    async def slots(
        self,
        *,
        start: datetime,
        end: datetime,
        event_type_id: int | None = None,
        event_type_slug: str | None = None,
        username: str | None = None,
        time_zone: str | None = None,
    ) -> dict[str, list[Slot]]:
        """Free times from `start` to `end` (aware) by day, as YYYY-MM-DD in `time_zone` (IANA name; UTC if not given).

        The event type is named by its id, or by its slug and its owner's `username`.
        """
        asked = {
            "start": read.written(start),
            "end": read.written(end),
            "eventTypeId": None if event_type_id is None else str(event_type_id),
            "eventTypeSlug": event_type_slug,
            "username": username,
            "timeZone": time_zone,
            "format": "range",
        }
        said = {name: value for name, value in asked.items() if value is not None}
        return read.slots(mapping(await self._data(Call(path="/slots", query=said, version=_SLOTS))))

    async def bookings(self, asked: BookingsAsked) -> BookingsPage:
        """One page of the bookings that the key's owner sees; ask again with its `next_cursor` for the next."""
        if asked.cursor is None:
            return await self._list.speak(lambda version: self._page(asked, version))
        is_ours = asked.cursor.startswith(SKIP)
        return await self._page(asked, self._list.before if is_ours else self._list.today)

    async def _page(self, asked: BookingsAsked, version: str) -> BookingsPage:
        skips = version == self._list.before
        said = skipping_query(asked) if skips else query(asked)
        answer = await self._calls.ask(Call(path="/bookings", query=said, version=version))
        return skipped_page(answer, asked) if skips else page(answer, asked)

    async def booking(self, uid: str) -> tuple[ApiBooking, ...]:
        """The booking of a uid, or all of a recurring one's; empty where there is none."""
        if not uid.strip("."):
            return ()  # such a path would lead to another call
        path = f"/bookings/{quote(uid, safe='')}"
        try:
            return await self._bookings.speak(lambda version: self._booking(Call(path=path, version=version)))
        except CalcomRefuses as refusal:
            if refusal.status == 404:
                return ()
            raise

    async def _booking(self, call: Call) -> tuple[ApiBooking, ...]:
        try:
            return _whole(await self._data(call))
        except CalcomRefuses as refusal:
            if refusal.status != 401:
                raise
            return await self._unsigned(call, refusal)

    async def _unsigned(self, call: Call, refusal: CalcomRefuses) -> tuple[ApiBooking, ...]:
        """A booking is public for whoever knows its uid, but some keys are refused there that are good elsewhere."""
        public = Call(path=call.path, version=call.version, anonymous=True)
        try:
            return _whole(await self._data(public))
        except CalcomRefuses as also:
            raise refusal if also.status in (401, 403) else also from None

    async def webhooks(self, of: WebhookScope = USER) -> list[Webhook]:
        """All that stand there."""
        found: list[Webhook] = []
        skip = 0
        while True:
            asked = {"take": str(_MOST_WEBHOOKS), "skip": str(skip)}
            data = await self._data(Call(path=of.path, query=asked))
            if not isinstance(data, list):
                raise read.strange("webhooks are no list")
            found += [one for item in data if (one := webhook(mapping(item))) is not None]
            skip += len(data)
            if len(data) < _MOST_WEBHOOKS:
                return found

    async def create_webhook(self, wanted: WebhookWanted, of: WebhookScope = USER) -> Webhook:
        """A webhook as it is wanted: a new one, or the one of the same address, changed.

        Cal.com takes an address once, so a repeat of a call whose answer was lost makes no second one.
        """
        try:
            return _stands(await self._data(Call(method="POST", path=of.path, body=wanted.asked())))
        except CalcomRefuses as refusal:
            if refusal.status != 409:
                raise
            standing = await self.webhooks(of)
            same = next((one for one in standing if one.subscriber_url == wanted.subscriber_url), None)
            if same is None:
                raise
            return await self.change_webhook(same.id, wanted, of)

    async def change_webhook(self, webhook_id: str, wanted: WebhookWanted, of: WebhookScope = USER) -> Webhook:
        """The webhook as it stands after the change."""
        path = f"{of.path}/{quote(webhook_id, safe='')}"
        return _stands(await self._data(Call(method="PATCH", path=path, body=wanted.asked())))

    async def mark_absent(
        self, uid: str, *, host: bool | None = None, attendees: Mapping[str, bool] = _NOBODY
    ) -> tuple[ApiBooking, ...]:
        """Says who was absent (True) or was there after all (False): the host, attendees by email address."""
        body: dict[str, Any] = {} if host is None else {"host": host}
        if attendees:
            body["attendees"] = [{"email": email, "absent": absent} for email, absent in attendees.items()]
        path = f"/bookings/{quote(uid, safe='')}/mark-absent"

        async def mark(version: str) -> tuple[ApiBooking, ...]:
            return _whole(await self._data(Call(method="POST", path=path, body=body, version=version)))

        return await self._bookings.speak(mark)

    async def _data(self, call: Call) -> Any:
        said: Json = await self._calls.ask(call)
        if "data" not in said:
            raise read.strange(f"{call.path} answers without data")
        return said["data"]


def _whole(data: Any) -> tuple[ApiBooking, ...]:
    """One booking or several; a booking that is there and can't be read must not pass for none."""
    items, unreadable = read.bookings(data if isinstance(data, list) else [data])
    if unreadable:
        raise read.strange("a booking lacks its uid, its status or its start")
    return items


def _stands(data: Any) -> Webhook:
    found = webhook(mapping(data))
    if found is None:
        raise read.strange("a webhook has no id")
    return found
