"""Cal.com's API v2 for a world: each call and its response. HTTP, limits and faults are elsewhere."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.fake_calcom.booking_queries import BY_CURSOR, BadQuery, BookingQueries, parse_time
from tests.fake_calcom.outputs import booking_output, event_type_output, me_output, slots_output
from tests.fake_calcom.registry import Owner, Registry, WebhookRejected
from tests.fake_calcom.rows import Booking, instant
from tests.fake_calcom.v1 import bookings_v1
from tests.fake_calcom.world import World

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request. `path_params` has the parameters of the path, `body` is its JSON."""

    method: str
    template: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    version: str | None
    body: Mapping[str, Any] = field(default_factory=dict)


class ApiError(Exception):
    """An error response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


ApiResponse = tuple[int, dict[str, Any]]


class FakeApi:
    """`answer` raises `ApiError`; the key is that of the world's first user.

    `knows_2026` is False for an old instance, which does not know this year's versions.
    """

    def __init__(self, world: World, *, knows_2026: bool = True) -> None:
        self.world = world
        self.registry = Registry()
        self._booking_queries = BookingQueries(world)
        newest_versions, old_version = {BY_CURSOR} if knows_2026 else set(), "2024-08-13"
        newer_versions = {"2026-02-25", BY_CURSOR} if knows_2026 else set()
        self._calls: dict[tuple[str, str], tuple[set[str], Callable[[ApiCall], ApiResponse]]] = {
            ("GET", "/v2/me"): (set(), self._me),
            ("GET", "/v2/event-types"): ({"2024-06-14"}, self._event_types),
            ("GET", "/v2/slots"): ({"2024-09-04"}, self._slots),
            ("GET", "/v2/bookings"): ({old_version} | newest_versions, self._bookings),
            ("GET", "/v2/bookings/{bookingUid}"): ({old_version} | newer_versions, self._booking),
            ("POST", "/v2/bookings/{bookingUid}/mark-absent"): ({old_version} | newer_versions, self._mark_absent),
        }
        for folder in _WEBHOOKS:
            self._calls |= {
                ("GET", folder): (set(), self._webhooks),
                ("POST", folder): (set(), self._create_webhook),
                ("GET", f"{folder}/{{webhookId}}"): (set(), self._webhook),
                ("PATCH", f"{folder}/{{webhookId}}"): (set(), self._change_webhook),
                ("DELETE", f"{folder}/{{webhookId}}"): (set(), self._remove_webhook),
            }
        self._patterns = {template: _PARAMETER.sub(r"(?P<\1>[^/]+)", template) for _, template in self._calls}

    def route(self, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
        """Returns the call's template and its path parameters."""
        for template, pattern in self._patterns.items():
            found = re.fullmatch(pattern, path)
            if found is not None and (method, template) in self._calls:
                return template, found.groupdict()
        return None

    def has_versions(self, method: str, template: str) -> bool:
        """Returns whether the call must name a version of the API."""
        return bool(self._calls[method, template][0])

    def old_bookings(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`GET /v1/bookings`."""
        try:
            with self.world.lock:
                return bookings_v1(self.world, query)
        except BadQuery as fault:
            raise ApiError(400, str(fault)) from None

    def answer(self, call: ApiCall) -> ApiResponse:
        versions, handler = self._calls[call.method, call.template]
        if versions and call.version not in versions:
            raise ApiError(404, f"Cannot {call.method} {call.template}")
        try:
            with self.world.lock:
                return handler(call)
        except BadQuery as fault:
            raise ApiError(400, str(fault)) from None
        except WebhookRejected as fault:
            raise ApiError(fault.status, str(fault)) from None

    # ------------------------------------------------------------ bookings

    def _bookings(self, call: ApiCall) -> ApiResponse:
        page = self._booking_queries.page(call.query, call.version or "")
        return 200, {**_success([self._output(one) for one in page.bookings]), "pagination": page.pagination}

    def _booking(self, call: ApiCall) -> ApiResponse:
        uid = call.path_params["bookingUid"]
        if uid in self.world.bookings:
            return 200, _success(self._output(self.world.bookings[uid]))
        series = [one for one in self.world.bookings.values() if one.recurring_uid == uid]
        if not series:
            raise ApiError(404, f"Booking with uid={uid} was not found in the database")
        return 200, _success([self._output(one) for one in sorted(series, key=lambda one: one.start_at)])

    def _mark_absent(self, call: ApiCall) -> ApiResponse:
        booking = self.world.bookings.get(call.path_params["bookingUid"])
        if booking is None:
            raise ApiError(404, f"Booking with uid={call.path_params['bookingUid']} was not found in the database")
        if booking.start_at > self.world.clock():
            raise ApiError(400, "Cannot mark no-show before the meeting has started.")
        marks = {one["email"]: one["absent"] for one in call.body.get("attendees", [])}
        if marks:
            self.world.mark_absent(booking.uid, marks)
        if call.body.get("host"):
            self.world.mark_host_absent(booking.uid)
        return 200, _success(self._output(booking))

    def _output(self, booking: Booking) -> dict[str, Any]:
        return booking_output(self.world, booking)

    # ------------------------------------------------------------ the user, event types, slots

    def _me(self, _call: ApiCall) -> ApiResponse:
        return 200, _success(me_output(next(iter(self.world.users.values()))))

    def _event_types(self, call: ApiCall) -> ApiResponse:
        username, slug = call.query.get("username"), call.query.get("eventSlug")
        found = [
            event_type_output(one)
            for one in self.world.event_types.values()
            if username in (None, one.owner.username) and slug in (None, one.slug)
        ]
        return 200, _success(found)

    def _slots(self, call: ApiCall) -> ApiResponse:
        query, types = call.query, self.world.event_types.values()
        slug_and_owner = (query.get("eventTypeSlug"), query.get("username"))
        found = [
            one
            for one in types
            if str(one.id) == query.get("eventTypeId") or (one.slug, one.owner.username) == slug_and_owner
        ]
        if not found:
            raise ApiError(404, "Event Type not found")
        end_at = parse_time(query["end"])
        if "T" not in query["end"]:
            end_at += timedelta(days=1)
        as_range = query.get("format") == "range"
        zone = query.get("timeZone", "UTC")
        days = slots_output(self.world, found[0], parse_time(query["start"]), end_at, zone, as_range=as_range)
        return 200, _success(days)

    # ------------------------------------------------------------ webhooks

    def _webhooks(self, call: ApiCall) -> ApiResponse:
        take, skip = int(call.query.get("take", 250)), int(call.query.get("skip", 0))
        rows = self.registry.of(self._owner(call))[skip : skip + take]
        return 200, _success([one.output() for one in rows])

    def _create_webhook(self, call: ApiCall) -> ApiResponse:
        return 201, _success(self.registry.create(self._owner(call), call.body).output())

    def _webhook(self, call: ApiCall) -> ApiResponse:
        return 200, _success(self.registry.find(self._owner(call), call.path_params["webhookId"]).output())

    def _change_webhook(self, call: ApiCall) -> ApiResponse:
        changed = self.registry.change(self._owner(call), call.path_params["webhookId"], call.body)
        return 200, _success(changed.output())

    def _remove_webhook(self, call: ApiCall) -> ApiResponse:
        return 200, _success(self.registry.remove(self._owner(call), call.path_params["webhookId"]).output())

    def _owner(self, call: ApiCall) -> Owner:
        if "orgId" in call.path_params:
            return "teamId", int(call.path_params["orgId"])
        if "eventTypeId" in call.path_params:
            return "eventTypeId", int(call.path_params["eventTypeId"])
        return "userId", next(iter(self.world.users))


_WEBHOOKS = (
    "/v2/webhooks",
    "/v2/event-types/{eventTypeId}/webhooks",
    "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks",
    "/v2/organizations/{orgId}/webhooks",
)


def _success(data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}


def error_body(world: World, path: str, status: int, message: str, code: str) -> dict[str, Any]:
    """Returns the body of an error response."""
    details = {"code": code, "message": message, "details": {"message": message, "statusCode": status}}
    return {"status": "error", "timestamp": instant(world.clock()), "path": path, "error": details}
