"""A fake ClickUp: stores tasks and comments, and counts calls per minute.

In a test: `with FakeClickUp() as fake: … fake.space.tasks`.
"""

from collections import Counter
from typing import Any, ClassVar, Unpack

from tests.destinations.fake_vendors.clickup_space import ClickUpRefusal, Space
from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import MINUTE, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorServer

TOKEN = "pk_far_token"
PER_MINUTE = 100


class FakeClickUp(VendorServer):
    """`per_minute` limits calls as the real one does; None sets no limit."""

    prefix = "/api/v2"
    default_key = TOKEN
    refusals: ClassVar = {
        "400": ClickUpRefusal(400, "Input is invalid", "INPUT_005"),
        "401": ClickUpRefusal(401, "Token invalid", "OAUTH_025"),
        "403": ClickUpRefusal(403, "You do not have access to this", "ACCESS_083"),
        "404": ClickUpRefusal(404, "Not found", "ITEM_013"),
        "409": ClickUpRefusal(409, "Conflict", "ITEM_119"),
        "422": ClickUpRefusal(422, "Unprocessable", "INPUT_006"),
        "429": ClickUpRefusal(429, "Rate limit reached", "APP_002"),
        "500": ClickUpRefusal(500, "Internal server error", "SHARD_006"),
        "503": ClickUpRefusal(503, "Service unavailable", "SHARD_007"),
        "workspace": ClickUpRefusal(401, "Team not authorized", "OAUTH_027"),
    }

    def __init__(self, *, per_minute: int | None = PER_MINUTE, **options: Unpack[VendorOptions]) -> None:
        super().__init__(document=vendor_document("clickup"), **options)
        self.limit = SlidingLimit(per_minute, MINUTE, self.clock)
        self.space = space = Space(self.clock)
        self.add_routes(
            {
                "GET /api/v2/user": lambda _: {"user": {"id": 123, "username": "Benjamin Crane"}},
                "GET /api/v2/list/{id}": lambda _, of: space.list_of(of).as_json(),
                "GET /api/v2/list/{id}/field": lambda _, of: {"fields": space.list_of(of).fields},
                "GET /api/v2/list/{id}/task": lambda call, of: space.search(of, call.query),
                "POST /api/v2/list/{id}/task": lambda call, of: space.create(of, call.json),
                "GET /api/v2/task/{id}": lambda call, of: space.task(of).as_json(markdown=_wants_markdown(call)),
                "PUT /api/v2/task/{id}": lambda call, of: space.change(of, call.json),
                "GET /api/v2/task/{id}/comment": lambda call, of: space.comments(of, call.query),
                "POST /api/v2/task/{id}/comment": lambda call, of: space.comment(of, call.json),
            }
        )

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each lead was created (`lead Showup …`) and each comment written (`comment Showup …`)."""
        return self.space.effects

    def state(self) -> dict[str, Any]:
        return {"tasks": [one.as_json(markdown=True) | {"comments": one.texts} for one in self.space.tasks.values()]}

    def authorize(self, request: ReceivedRequest) -> None:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            raise ClickUpRefusal(401, "Authorization header required", "OAUTH_017")
        if authorization != self.key:
            raise self.refusals["401"]

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - ClickUp doesn't quote it
        return self.refusals["400"]

    def response_headers(self, status: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit.calls or PER_MINUTE),
            "X-RateLimit-Remaining": "0" if status == 429 else "1",
            "X-RateLimit-Reset": f"{self.limit.resets_at.timestamp():.0f}",
        }


def _wants_markdown(call: ReceivedRequest) -> bool:
    return call.query.get("include_markdown_description") == "true"
