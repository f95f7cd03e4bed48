"""A client of Cal.com's API v2 for one key: its owner, bookings, event types, free slots, webhooks, absences."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import httpx2

from showup.clock import Clock
from showup.sources.calcom import api_decoder as decoder
from showup.sources.calcom.api_errors import CalcomRefused
from showup.sources.calcom.api_pages import (
    OFFSET_PREFIX,
    cursor_params,
    offset_params,
    parse_cursor_page,
    parse_offset_page,
)
from showup.sources.calcom.api_transport import ApiRequest, ApiTransport
from showup.sources.calcom.api_values import (
    ApiBooking,
    BookingsPage,
    BookingsQuery,
    CalcomEventType,
    CalcomUser,
    FreeSlot,
)
from showup.sources.calcom.api_version import VersionNegotiator
from showup.sources.calcom.api_webhooks import USER_SCOPE, RegisteredWebhook, WebhookScope, WebhookSpec, parse_webhook
from showup.sources.calcom.payload import Json, mapping
from showup.sources.calcom.rate_limiter import RateLimiter

_EVENT_TYPES, _SLOTS = "2024-06-14", "2024-09-04"
_NO_ATTENDEES: Final[Mapping[str, bool]] = MappingProxyType({})
_MAX_WEBHOOKS = 250


class CalcomClient:
    """One Cal.com account's API.

    `client` is the process's shared client; `url` has /v2 and no slash at the end: a region or a self-hosted instance
    is another `url`. `key` is an API key or any other bearer token. Every call may raise `CalcomUnavailable`, after all
    attempts without a usable response, and `CalcomRefused`. Clients with the same key share its `limiter`. `jitter` and
    `pause` set the delays between attempts.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        limiter: RateLimiter | None = None,
        jitter: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = ApiTransport(
            client, url=url, key=key, clock=clock, limiter=limiter, jitter=jitter, pause=pause
        )
        self._list_version = VersionNegotiator(current="2026-05-01", previous="2024-08-13")
        self._booking_version = VersionNegotiator(current="2026-02-25", previous="2024-08-13")

    async def me(self) -> CalcomUser:
        """Returns the key's owner."""
        return decoder.decode_me(mapping(await self._request_data(ApiRequest(path="/me"))))

    async def event_types(self, username: str | None = None) -> list[CalcomEventType]:
        """Returns the event types of the key's owner, or the public ones of another user."""
        params = {} if username is None else {"username": username}
        data = await self._request_data(ApiRequest(path="/event-types", query=params, version=_EVENT_TYPES))
        if not isinstance(data, list):
            raise decoder.unexpected_shape("the event types are not a list")
        return decoder.decode_event_types(data)

    async def slots(
        self,
        *,
        start: datetime,
        end: datetime,
        event_type_id: int | None = None,
        event_type_slug: str | None = None,
        username: str | None = None,
        time_zone: str | None = None,
    ) -> dict[str, list[FreeSlot]]:
        """Returns free slots from `start` to `end` (aware) by day, as YYYY-MM-DD in `time_zone`.

        `time_zone` is an IANA name, UTC by default. The event type is named by its id, or by its slug and its
        owner's `username`.
        """
        optional = {
            "start": decoder.format_time(start),
            "end": decoder.format_time(end),
            "eventTypeId": None if event_type_id is None else str(event_type_id),
            "eventTypeSlug": event_type_slug,
            "username": username,
            "timeZone": time_zone,
            "format": "range",
        }
        params = {name: value for name, value in optional.items() if value is not None}
        return decoder.decode_slots(
            mapping(await self._request_data(ApiRequest(path="/slots", query=params, version=_SLOTS)))
        )

    async def bookings(self, query: BookingsQuery) -> BookingsPage:
        """Returns one page of the bookings that the key's owner can see; its `next_cursor` requests the next."""
        if query.cursor is None:
            return await self._list_version.call(lambda version: self._fetch_page(query, version))
        is_offset = query.cursor.startswith(OFFSET_PREFIX)
        return await self._fetch_page(query, self._list_version.previous if is_offset else self._list_version.current)

    async def _fetch_page(self, query: BookingsQuery, version: str) -> BookingsPage:
        uses_offset = version == self._list_version.previous
        params = offset_params(query) if uses_offset else cursor_params(query)
        response = await self._transport.send(ApiRequest(path="/bookings", query=params, version=version))
        return parse_offset_page(response, query) if uses_offset else parse_cursor_page(response, query)

    async def booking(self, uid: str) -> tuple[ApiBooking, ...]:
        """Returns the booking with a uid, or all of a recurring one; empty where there is none."""
        if not uid.strip("."):
            return ()  # such a path would lead to another call
        path = f"/bookings/{quote(uid, safe='')}"
        try:
            return await self._booking_version.call(
                lambda version: self._fetch_booking(ApiRequest(path=path, version=version))
            )
        except CalcomRefused as refusal:
            if refusal.status == 404:
                return ()
            raise

    async def _fetch_booking(self, request: ApiRequest) -> tuple[ApiBooking, ...]:
        try:
            return _decode_all(await self._request_data(request))
        except CalcomRefused as refusal:
            if refusal.status != 401:
                raise
            return await self._fetch_public(request, refusal)

    async def _fetch_public(self, request: ApiRequest, refusal: CalcomRefused) -> tuple[ApiBooking, ...]:
        """A booking is public to anyone who knows its uid, but some keys that work elsewhere are refused there."""
        public = ApiRequest(path=request.path, version=request.version, anonymous=True)
        try:
            return _decode_all(await self._request_data(public))
        except CalcomRefused as second:
            raise refusal if second.status in (401, 403) else second from None

    async def webhooks(self, scope: WebhookScope = USER_SCOPE) -> list[RegisteredWebhook]:
        """Returns all registered webhooks."""
        found: list[RegisteredWebhook] = []
        skip = 0
        while True:
            params = {"take": str(_MAX_WEBHOOKS), "skip": str(skip)}
            data = await self._request_data(ApiRequest(path=scope.path, query=params))
            if not isinstance(data, list):
                raise decoder.unexpected_shape("the webhooks are not a list")
            found += [one for item in data if (one := parse_webhook(mapping(item))) is not None]
            skip += len(data)
            if len(data) < _MAX_WEBHOOKS:
                return found

    async def create_webhook(self, spec: WebhookSpec, scope: WebhookScope = USER_SCOPE) -> RegisteredWebhook:
        """Creates a webhook, or updates the one with the same address.

        Cal.com accepts an address once, so repeating a call after a lost response creates no second webhook.
        """
        try:
            return _require_webhook(
                await self._request_data(ApiRequest(method="POST", path=scope.path, body=spec.to_json()))
            )
        except CalcomRefused as refusal:
            if refusal.status != 409:
                raise
            existing = await self.webhooks(scope)
            matching = next((one for one in existing if one.subscriber_url == spec.subscriber_url), None)
            if matching is None:
                raise
            return await self.change_webhook(matching.id, spec, scope)

    async def change_webhook(
        self, webhook_id: str, spec: WebhookSpec, scope: WebhookScope = USER_SCOPE
    ) -> RegisteredWebhook:
        """Returns the webhook after the change."""
        path = f"{scope.path}/{quote(webhook_id, safe='')}"
        return _require_webhook(await self._request_data(ApiRequest(method="PATCH", path=path, body=spec.to_json())))

    async def mark_absent(
        self, uid: str, *, host: bool | None = None, attendees: Mapping[str, bool] = _NO_ATTENDEES
    ) -> tuple[ApiBooking, ...]:
        """Records who was absent (True) or present (False): the host, and attendees by email address."""
        body: dict[str, Any] = {} if host is None else {"host": host}
        if attendees:
            body["attendees"] = [{"email": email, "absent": absent} for email, absent in attendees.items()]
        path = f"/bookings/{quote(uid, safe='')}/mark-absent"

        async def mark_version(version: str) -> tuple[ApiBooking, ...]:
            return _decode_all(
                await self._request_data(ApiRequest(method="POST", path=path, body=body, version=version))
            )

        return await self._booking_version.call(mark_version)

    async def _request_data(self, request: ApiRequest) -> Any:
        response: Json = await self._transport.send(request)
        if "data" not in response:
            raise decoder.unexpected_shape(f"the response to {request.path} has no data")
        return response["data"]


def _decode_all(data: Any) -> tuple[ApiBooking, ...]:
    """Decodes one booking or several; an unreadable booking must not count as a missing one."""
    items, unreadable = decoder.decode_bookings(data if isinstance(data, list) else [data])
    if unreadable:
        raise decoder.unexpected_shape("a booking lacks its uid, status or start")
    return items


def _require_webhook(data: Any) -> RegisteredWebhook:
    found = parse_webhook(mapping(data))
    if found is None:
        raise decoder.unexpected_shape("a webhook has no id")
    return found
