"""A fake Showup on a loopback port: a webhook endpoint that checks signatures, and an API made of lists."""

import hashlib
import hmac
from typing import Any, ClassVar

from tests.vendors.server import ReceivedRequest, Refusal, VendorResponse, VendorServer

SECRET = "a secret of both sides"
KEY = "showup_read_key"
IMPORT = "/api/leads/import"


class FakeShowup(VendorServer):
    """`lists` are its API, by noun; `unprocessed` has the ids of each response to a request for pending events.

    With `accepts_any_signature`, the test checks the signatures of its `posts`.
    """

    default_key = KEY
    refusals: ClassVar = {"503": Refusal(503, {"title": "not now"}, {"Retry-After": "0"})}

    def __init__(self) -> None:
        super().__init__()
        self.accepts_any_signature = False
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.unprocessed: list[list[str]] = []

    @property
    def posts(self) -> list[ReceivedRequest]:
        """Returns the webhooks that it accepted, or answered as the test scripted."""
        return [one for one in self._posts if one.path != IMPORT]

    @property
    def imports(self) -> list[bytes]:
        """Returns the files of leads that it imported."""
        return [one.body for one in self._posts if one.path == IMPORT]

    @property
    def _posts(self) -> list[ReceivedRequest]:
        return [one for one in self.requests if one.method == "POST" and one.status not in (None, 401, 503)]

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.posts]

    @property
    def paths(self) -> set[str]:
        return {one.path for one in self.requests}

    @property
    def rejected(self) -> int:
        """Returns how many webhooks had a wrong signature."""
        return sum(one.method == "POST" and one.status == 401 for one in self.requests)

    def authorize(self, request: ReceivedRequest) -> None:
        if request.method == "GET" and request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refusal(401, {"title": "no key"})
        if request.method == "POST" and not self._is_signed(request):
            raise Refusal(401, {"title": "forged"})

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        if request.path == IMPORT:
            return VendorResponse(200, {"state": "done"})
        if request.method == "GET":
            return VendorResponse(200, self._read(request.path, request.query))
        outcome = "duplicate" if request.body in self.bodies else "accepted"
        return VendorResponse(200, {"status": outcome, "id": f"event-{self.requests.index(request)}"})

    def _is_signed(self, request: ReceivedRequest) -> bool:
        found = request.headers.get("x-cal-signature-256")
        is_valid = self.accepts_any_signature or found == signature(SECRET, request.body)
        is_versioned = request.path == IMPORT or request.headers.get("x-cal-webhook-version") == "2021-10-20"
        return is_valid and is_versioned

    def _read(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == "/api/events":
            ids = (self.unprocessed.pop(0) if self.unprocessed else []) if query["state"] == "pending" else []
            return {"items": [{"id": event_id} for event_id in ids], "next_cursor": None}
        noun, _, item_id = path.removeprefix("/api/").partition("/")
        items = self.lists[noun]
        if item_id:
            return next(item for item in items if item["id"] == item_id)
        start = int(query.get("cursor", "0"))
        next_cursor = str(start + 2) if start + 2 < len(items) else None
        return {"items": items[start : start + 2], "next_cursor": next_cursor}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
