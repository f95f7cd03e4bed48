"""A webhook receiver: verifies and stores webhooks by Standard Webhooks."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple, Unpack

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.vendors.http_server import PAGE
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorResponse, VendorServer


class ReceivedWebhook(NamedTuple):
    """An accepted webhook: its id, its body as received, and its parsed payload."""

    id: str
    body: bytes
    payload: dict[str, Any]
    signatures: list[str]
    timestamp: int


class FakeWebhookReceiver(VendorServer):
    """Refuses with any status. A web page with 200 (`html`) accepts the webhook, as any 2xx does.

    `secret` verifies signatures; None accepts all webhooks. `now`: whether signatures must be recent.
    """

    prefix = "/hook"
    own_faults = frozenset({"html"})

    def __init__(self, secret: str | None = None, *, now: bool = True, **options: Unpack[VendorOptions]) -> None:
        super().__init__(**options)
        self.secret = secret
        self.now = now
        self.accepted: list[ReceivedWebhook] = []
        self.add_routes({"POST /hook": self._accept})

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each webhook was accepted."""
        return Counter(one.id for one in self.accepted)

    @property
    def types(self) -> list[str]:
        return [one.payload["type"] for one in self.accepted]

    def state(self) -> dict[str, Any]:
        return {"accepted": [one.payload for one in self.accepted]}

    def find_violation(self, request: ReceivedRequest) -> str | None:
        if request.method != "POST":
            return f"{request.method} {request.path}: a sender of webhooks only uses POST"
        if request.headers.get("content-type") != "application/json":
            return f"the content type is {request.headers.get('content-type')}"
        try:
            self._verify(request.body, request.headers)
        except WebhookVerificationError as error:
            return str(error)
        return None

    def refusal(self, kind: str, request: ReceivedRequest) -> Refusal | None:  # noqa: ARG002 - the same for all
        match kind:
            case "429":
                return Refusal(429, b"slow down", {"Content-Type": "text/plain", "Retry-After": "120"})
            case "302":
                return Refusal(302, b"", {"Location": f"{self.url}/elsewhere"})
            case status if status.isdigit():
                return Refusal(int(status), {"error": "out of order"})
        return None

    def _verify(self, body: bytes, headers: Any) -> None:
        if self.secret is None:
            return
        if self.now:
            Webhook(self.secret).verify(body, headers)
            return
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        good = Webhook(self.secret).sign(headers["webhook-id"], at, body.decode())
        if good not in headers["webhook-signature"].split(" "):
            raise WebhookVerificationError("no matching signature")

    def _accept(self, request: ReceivedRequest) -> VendorResponse:
        headers = request.headers
        signatures, timestamp = headers["webhook-signature"].split(" "), int(headers["webhook-timestamp"])
        self.accepted.append(ReceivedWebhook(headers["webhook-id"], request.body, request.json, signatures, timestamp))
        if request.fault == "html":
            return VendorResponse(200, PAGE, {"Content-Type": "text/html"})
        return VendorResponse(204)
