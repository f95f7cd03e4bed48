"""Cal.com's API v2 for a world: each call and its response. HTTP, limits and faults are elsewhere."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

from tests.fake_calcom.booking_queries import BY_CURSOR, BookingQueries, parse_time
from tests.fake_calcom.outputs import booking_output, event_type_output, me_output, slots_output
from tests.fake_calcom.registry import Owner, Registry
from tests.fake_calcom.rows import ApiError, Booking
from tests.fake_calcom.v1 import bookings_v1
from tests.fake_calcom.world import World
from tests.vendors.server import ReceivedRequest, VendorResponse

# The name of an owner's id, and its position among the ids of the path; None is the user of the key.
OwnerId: TypeAlias = tuple[str, int] | None
_WEBHOOK_OWNERS: dict[str, OwnerId] = {
    "/v2/webhooks": None,
    "/v2/event-types/{type}/webhooks": ("eventTypeId", 0),
    "/v2/teams/{team}/event-types/{type}/webhooks": ("eventTypeId", 1),
    "/v2/organizations/{org}/webhooks": ("teamId", 0),
}


class FakeApi:
    """`calls` has the versions and the handler of each call; a handler raises `ApiError`.

    The key is that of the world's first user. `knows_2026` is False for an old instance.
    """

    def __init__(self, world: World, *, knows_2026: bool = True) -> None:
        self.world = world
        self.registry = Registry()
        self._booking_queries = BookingQueries(world)
        newest_versions, old_version = {BY_CURSOR} if knows_2026 else set(), "2024-08-13"
        newer_versions = {"2026-02-25", BY_CURSOR} if knows_2026 else set()
        self.calls: dict[str, tuple[set[str], Callable[..., Any]]] = {
            "GET /v1/bookings": (set(), self._bookings_v1),
            "GET /v2/me": (set(), self._me),
            "GET /v2/event-types": ({"2024-06-14"}, self._event_types),
            "GET /v2/slots": ({"2024-09-04"}, self._slots),
            "GET /v2/bookings": ({old_version} | newest_versions, self._bookings),
            "GET /v2/bookings/{uid}": ({old_version} | newer_versions, self._booking),
            "POST /v2/bookings/{uid}/mark-absent": ({old_version} | newer_versions, self._mark_absent),
        }
        for folder, owner in _WEBHOOK_OWNERS.items():
            self.calls |= {
                f"GET {folder}": (set(), partial(self._webhooks, owner)),
                f"POST {folder}": (set(), partial(self._create_webhook, owner)),
                f"GET {folder}/{{webhook}}": (set(), partial(self._webhook, owner)),
                f"PATCH {folder}/{{webhook}}": (set(), partial(self._change_webhook, owner)),
                f"DELETE {folder}/{{webhook}}": (set(), partial(self._remove_webhook, owner)),
            }

    # ------------------------------------------------------------ bookings

    def _bookings_v1(self, request: ReceivedRequest) -> dict[str, Any]:
        return bookings_v1(self.world, request.query)

    def _bookings(self, request: ReceivedRequest) -> dict[str, Any]:
        page = self._booking_queries.page(request.query, request.headers["cal-api-version"])
        return {**_success([self._output(one) for one in page.bookings]), "pagination": page.pagination}

    def _booking(self, _request: ReceivedRequest, uid: str) -> dict[str, Any]:
        if uid in self.world.bookings:
            return _success(self._output(self.world.bookings[uid]))
        series = [one for one in self.world.bookings.values() if one.recurring_uid == uid]
        if not series:
            raise ApiError(404, f"Booking with uid={uid} was not found in the database")
        return _success([self._output(one) for one in sorted(series, key=lambda one: one.start_at)])

    def _mark_absent(self, request: ReceivedRequest, uid: str) -> dict[str, Any]:
        booking = self.world.bookings.get(uid)
        if booking is None:
            raise ApiError(404, f"Booking with uid={uid} was not found in the database")
        if booking.start_at > self.world.clock():
            raise ApiError(400, "Cannot mark no-show before the meeting has started.")
        marks = {one["email"]: one["absent"] for one in request.json.get("attendees", [])}
        if marks:
            self.world.mark_absent(booking.uid, marks)
        if request.json.get("host"):
            self.world.mark_host_absent(booking.uid)
        return _success(self._output(booking))

    def _output(self, booking: Booking) -> dict[str, Any]:
        return booking_output(self.world, booking)

    # ------------------------------------------------------------ the user, event types, slots

    def _me(self, _request: ReceivedRequest) -> dict[str, Any]:
        return _success(me_output(next(iter(self.world.users.values()))))

    def _event_types(self, request: ReceivedRequest) -> dict[str, Any]:
        username, slug = request.query.get("username"), request.query.get("eventSlug")
        found = [
            event_type_output(one)
            for one in self.world.event_types.values()
            if username in (None, one.owner.username) and slug in (None, one.slug)
        ]
        return _success(found)

    def _slots(self, request: ReceivedRequest) -> dict[str, Any]:
        query, types = request.query, self.world.event_types.values()
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
        return _success(slots_output(self.world, found[0], parse_time(query["start"]), end_at, zone, as_range=as_range))

    # ------------------------------------------------------------ webhooks

    def _webhooks(self, kind: OwnerId, request: ReceivedRequest, *ids: str) -> dict[str, Any]:
        take, skip = int(request.query.get("take", 250)), int(request.query.get("skip", 0))
        rows = self.registry.of(self._owner(kind, ids))[skip : skip + take]
        return _success([one.output() for one in rows])

    def _create_webhook(self, kind: OwnerId, request: ReceivedRequest, *ids: str) -> VendorResponse:
        created = self.registry.create(self._owner(kind, ids), request.json)
        return VendorResponse(201, _success(created.output()))

    def _webhook(self, kind: OwnerId, _request: ReceivedRequest, *ids: str) -> dict[str, Any]:
        return _success(self.registry.find(self._owner(kind, ids), ids[-1]).output())

    def _change_webhook(self, kind: OwnerId, request: ReceivedRequest, *ids: str) -> dict[str, Any]:
        return _success(self.registry.change(self._owner(kind, ids), ids[-1], request.json).output())

    def _remove_webhook(self, kind: OwnerId, _request: ReceivedRequest, *ids: str) -> dict[str, Any]:
        return _success(self.registry.remove(self._owner(kind, ids), ids[-1]).output())

    def _owner(self, kind: OwnerId, ids: Sequence[str]) -> Owner:
        if kind is None:
            return "userId", next(iter(self.world.users))
        name, position = kind
        return name, int(ids[position])


def _success(data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}
