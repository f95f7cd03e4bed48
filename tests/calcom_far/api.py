"""Cal.com's API v2 over a world: which call gets which answer. No HTTP here, no limits and no faults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.calcom_far.asking import BY_CURSOR, Asking, BadQuery, moment
from tests.calcom_far.outputs import booking_output, event_type_output, me_output, slots_output
from tests.calcom_far.registry import NotTaken, Owner, Registry
from tests.calcom_far.rows import Booking, instant
from tests.calcom_far.v1 import bookings_v1
from tests.calcom_far.world import World

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came; `place` has what the path names, `asked` is its JSON."""

    method: str
    template: str
    place: Mapping[str, str]
    query: Mapping[str, str]
    version: str | None
    asked: Mapping[str, Any] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


Said = tuple[int, dict[str, Any]]


class Api:
    """`answer` raises `Refusal`; `owner` is the user whose key it is.

    `knows_2026` is False at an old instance, which has never heard of the versions of this year.
    """

    def __init__(self, world: World, *, knows_2026: bool = True) -> None:
        self.world = world
        self.registry = Registry()
        self._asking = Asking(world)
        new, old = {BY_CURSOR} if knows_2026 else set(), "2024-08-13"
        newer = {"2026-02-25", BY_CURSOR} if knows_2026 else set()
        self._calls: dict[tuple[str, str], tuple[set[str], Callable[[Call], Said]]] = {
            ("GET", "/v2/me"): (set(), self._me),
            ("GET", "/v2/event-types"): ({"2024-06-14"}, self._event_types),
            ("GET", "/v2/slots"): ({"2024-09-04"}, self._slots),
            ("GET", "/v2/bookings"): ({old} | new, self._bookings),
            ("GET", "/v2/bookings/{bookingUid}"): ({old} | newer, self._booking),
            ("POST", "/v2/bookings/{bookingUid}/mark-absent"): ({old} | newer, self._mark_absent),
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

    def place(self, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
        """The call's template and what its path names."""
        for template, pattern in self._patterns.items():
            found = re.fullmatch(pattern, path)
            if found is not None and (method, template) in self._calls:
                return template, found.groupdict()
        return None

    def has_versions(self, method: str, template: str) -> bool:
        """Whether the call has to say which version of the API it means."""
        return bool(self._calls[method, template][0])

    def old_bookings(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`GET /v1/bookings`."""
        try:
            with self.world.lock:
                return bookings_v1(self.world, query)
        except BadQuery as fault:
            raise Refusal(400, str(fault)) from None

    def answer(self, call: Call) -> Said:
        versions, answering = self._calls[call.method, call.template]
        if versions and call.version not in versions:
            raise Refusal(404, f"Cannot {call.method} {call.template}")
        try:
            with self.world.lock:
                return answering(call)
        except BadQuery as fault:
            raise Refusal(400, str(fault)) from None
        except NotTaken as fault:
            raise Refusal(fault.status, str(fault)) from None

    # ------------------------------------------------------------ bookings

    def _bookings(self, call: Call) -> Said:
        page = self._asking.page(call.query, call.version or "")
        return 200, {**_success([self._output(one) for one in page.bookings]), "pagination": page.pagination}

    def _booking(self, call: Call) -> Said:
        uid = call.place["bookingUid"]
        if uid in self.world.bookings:
            return 200, _success(self._output(self.world.bookings[uid]))
        series = [one for one in self.world.bookings.values() if one.recurring_uid == uid]
        if not series:
            raise Refusal(404, f"Booking with uid={uid} was not found in the database")
        return 200, _success([self._output(one) for one in sorted(series, key=lambda one: one.start_at)])

    def _mark_absent(self, call: Call) -> Said:
        booking = self.world.bookings.get(call.place["bookingUid"])
        if booking is None:
            raise Refusal(404, f"Booking with uid={call.place['bookingUid']} was not found in the database")
        if booking.start_at > self.world.clock():
            raise Refusal(400, "Cannot mark no-show before the meeting has started.")
        marks = {one["email"]: one["absent"] for one in call.asked.get("attendees", [])}
        if marks:
            self.world.mark_absent(booking.uid, marks)
        if call.asked.get("host"):
            self.world.mark_host_absent(booking.uid)
        return 200, _success(self._output(booking))

    def _output(self, booking: Booking) -> dict[str, Any]:
        return booking_output(self.world, booking)

    # ------------------------------------------------------------ the user, event types, slots

    def _me(self, _call: Call) -> Said:
        return 200, _success(me_output(next(iter(self.world.users.values()))))

    def _event_types(self, call: Call) -> Said:
        username, slug = call.query.get("username"), call.query.get("eventSlug")
        found = [
            event_type_output(one)
            for one in self.world.event_types.values()
            if username in (None, one.owner.username) and slug in (None, one.slug)
        ]
        return 200, _success(found)

    def _slots(self, call: Call) -> Said:
        query, types = call.query, self.world.event_types.values()
        named = (query.get("eventTypeSlug"), query.get("username"))
        found = [
            one for one in types if str(one.id) == query.get("eventTypeId") or (one.slug, one.owner.username) == named
        ]
        if not found:
            raise Refusal(404, "Event Type not found")
        end_at = moment(query["end"])
        if "T" not in query["end"]:
            end_at += timedelta(days=1)
        as_range = query.get("format") == "range"
        zone = query.get("timeZone", "UTC")
        days = slots_output(self.world, found[0], moment(query["start"]), end_at, zone, as_range=as_range)
        return 200, _success(days)

    # ------------------------------------------------------------ webhooks

    def _webhooks(self, call: Call) -> Said:
        take, skip = int(call.query.get("take", 250)), int(call.query.get("skip", 0))
        rows = self.registry.of(self._owner(call))[skip : skip + take]
        return 200, _success([one.output() for one in rows])

    def _create_webhook(self, call: Call) -> Said:
        return 201, _success(self.registry.create(self._owner(call), call.asked).output())

    def _webhook(self, call: Call) -> Said:
        return 200, _success(self.registry.find(self._owner(call), call.place["webhookId"]).output())

    def _change_webhook(self, call: Call) -> Said:
        changed = self.registry.change(self._owner(call), call.place["webhookId"], call.asked)
        return 200, _success(changed.output())

    def _remove_webhook(self, call: Call) -> Said:
        return 200, _success(self.registry.remove(self._owner(call), call.place["webhookId"]).output())

    def _owner(self, call: Call) -> Owner:
        if "orgId" in call.place:
            return "teamId", int(call.place["orgId"])
        if "eventTypeId" in call.place:
            return "eventTypeId", int(call.place["eventTypeId"])
        return "userId", next(iter(self.world.users))


_WEBHOOKS = (
    "/v2/webhooks",
    "/v2/event-types/{eventTypeId}/webhooks",
    "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks",
    "/v2/organizations/{orgId}/webhooks",
)


def _success(data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}


def refused(world: World, path: str, status: int, message: str, code: str) -> dict[str, Any]:
    """The body of an answer that is no success."""
    error = {"code": code, "message": message, "details": {"message": message, "statusCode": status}}
    return {"status": "error", "timestamp": instant(world.clock()), "path": path, "error": error}
