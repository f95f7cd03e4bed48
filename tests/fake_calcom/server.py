"""Cal.com's API v2 on loopback HTTP: with its key, its limit, its error responses, and the faults of a test.

with FakeCalcom(world, faults=Faults({"500": 0.05}, seed=1)) as fake_calcom:
    …                                   # call fake_calcom.url, with fake_calcom.key
    assert fake_calcom.worst_minute() <= 120
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Unpack

from showup.simulation.render_booking import instant
from tests.fake_calcom.api import FakeApi
from tests.fake_calcom.rate_limit import CalcomLimit
from tests.fake_calcom.registry import Webhook
from tests.fake_calcom.rows import ApiError
from tests.fake_calcom.world import World
from tests.vendors.calcom.document import calcom_document
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorServer

KEY = "cal_live_far_key"
CALLS_PER_MINUTE = 120
CODES = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    404: "NotFoundException",
    409: "ConflictException",
    429: "ThrottlerException",
}
_ONE_BOOKING = re.compile(r"/v2/bookings/[^/]+")


class FakeCalcom(VendorServer):
    """Its clock is the world's by default, and counts the minutes of the limit. It refuses with any status.

    `refuses_key_for_uid`: `GET /v2/bookings/{uid}` answers 401 to a key, and succeeds without one.
    `knows_2026` is False for an old instance, which does not know this year's versions.
    """

    prefix = "/v2"
    default_key = KEY

    def __init__(
        self,
        world: World,
        *,
        per_minute: int | None = CALLS_PER_MINUTE,
        check_every: int = 1,
        knows_2026: bool = True,
        refuses_key_for_uid: bool = False,
        **options: Unpack[VendorOptions],
    ) -> None:
        options.setdefault("clock", world.clock)
        super().__init__(document=calcom_document(), check_every=check_every, **options)
        self.world, self.refuses_key_for_uid = world, refuses_key_for_uid
        self._api = FakeApi(world, knows_2026=knows_2026)
        self._calls_per_minute = CalcomLimit(self.clock, per_minute)
        self.add_routes({route: partial(self._call, *call) for route, call in self._api.calls.items()})

    @property
    def url_v1(self) -> str:
        """Returns the address where an old instance lists its bookings; no document describes it or is checked."""
        return f"{self.url.removesuffix(self.prefix)}/v1"

    @property
    def webhooks(self) -> list[Webhook]:
        """Returns the registered webhooks."""
        return list(self._api.registry.rows.values())

    def remove_triggers(self, names: Iterable[str]) -> None:
        """Makes it an instance from before these triggers."""
        self._api.registry.unknown = frozenset(names)

    def worst_minute(self) -> int:
        """Returns the most requests in any sixty seconds of its clock."""
        return self._calls_per_minute.worst_minute()

    def authorize(self, request: ReceivedRequest) -> None:
        if not self._calls_per_minute.admit():
            raise self._refuse(429, "ThrottlerException: Too Many Requests", request)
        authorization = request.headers.get("authorization")
        if request.method == "GET" and _ONE_BOOKING.fullmatch(request.path):
            is_allowed = authorization is None or (authorization == self._bearer and not self.refuses_key_for_uid)
        else:
            is_allowed = authorization == self._bearer
        if not is_allowed:
            raise self._refuse(401, "CustomThrottlerGuard - Invalid API Key", request)

    @property
    def _bearer(self) -> str:
        return f"Bearer {self.key}"

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:
        return self._refuse(400, complaint, request)

    def refusal(self, kind: str, request: ReceivedRequest) -> Refusal | None:
        if not kind.isdigit():
            return None
        headers = {"Retry-After": "2", "X-RateLimit-Reset-Default": "2"} if kind == "429" else {}
        return self._refuse(int(kind), "Something went wrong", request, headers)

    def response_headers(self, status: int) -> Mapping[str, str]:  # noqa: ARG002 - the limit's own state decides
        return self._calls_per_minute.headers()

    def _call(self, versions: set[str], handler: Callable[..., Any], request: ReceivedRequest, *params: str) -> Any:
        try:
            if versions and request.headers.get("cal-api-version") not in versions:
                raise ApiError(404, f"Cannot {request.method} {request.path}")
            with self.world.lock:
                return handler(request, *params)
        except ApiError as error:
            raise self._refuse(error.status, str(error), request) from None

    def _refuse(
        self, status: int, message: str, request: ReceivedRequest, headers: Mapping[str, str] | None = None
    ) -> Refusal:
        code = CODES.get(status, "InternalServerError" if status >= 500 else "HttpException")
        details = {"code": code, "message": message, "details": {"message": message, "statusCode": status}}
        at = instant(self.world.clock())
        return Refusal(status, {"status": "error", "timestamp": at, "path": request.path, "error": details}, headers)
