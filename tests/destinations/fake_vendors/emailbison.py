"""A fake EmailBison: 15 items a page, cursors that walk from new to old, and filters that count only in brackets.

In a test: `with FakeEmailBison() as fake: lead = fake.workspace.add_lead("ann@acme.example", [101]) …`.
"""

import json
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar, TypeVar, Unpack
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.destinations.fake_vendors.emailbison_workspace import CREATED, FakeWorkspace, stamp
from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import MINUTE, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorResponse, VendorServer

KEY = "1|far_bison_key"
PAGE = 15
MAX_PAGES = 500
_LABELS = ("Replied", "Total Opens", "Sent", "Unsubscribed", "Bounced", "Interested", "Unique Opens")
Item = TypeVar("Item")


def failure(status: int, message: str) -> Refusal:
    return Refusal(status, {"data": {"success": False, "message": message}})


class FakeEmailBison(VendorServer):
    """`per_minute` limits calls; None sets no limit. `written` are the changes of leads, in order."""

    prefix = "/api"
    default_key = KEY
    refusals: ClassVar = {
        "401": Refusal(401, {"message": "Unauthenticated."}),
        "403": failure(403, "This action is unauthorized."),
        "404": failure(404, "Record not found."),
        "409": failure(409, "Another change is in progress."),
        "422": Refusal(422, {"message": "The given data was invalid.", "errors": {"email": ["It is taken."]}}),
        "429": Refusal(429, {"error": "rate_limited", "retry_after": 8}),
        "500": Refusal(500, {"message": "Server Error"}),
        "503": Refusal(503, {"message": "Service Unavailable"}),
    }

    def __init__(self, *, per_minute: int | None = None, **options: Unpack[VendorOptions]) -> None:
        super().__init__(document=vendor_document("emailbison"), **options)
        self.limit = SlidingLimit(per_minute, MINUTE, self.clock)
        self.workspace = FakeWorkspace()
        self.workspace.variables.append("meeting_status")
        self.team: dict[str, Any] = {"id": 1, "name": "Cody's Team"}
        self.written: list[str] = []
        self.add_routes(
            {
                "GET /api/users": lambda _: {"data": {"id": 1, "email": "cody@team.example", "team": self.team}},
                "GET /api/workspaces/v1.1": lambda _: {"data": [self.team]},
                "GET /api/campaigns": self._campaigns,
                "POST /api/campaigns/{id}/leads/stop-future-emails": self._stop,
                "GET /api/campaign-events/stats": self._daily,
                "GET /api/leads": self._leads,
                "GET /api/leads/{id}": lambda _, name: {"data": self._lead(name).shown()},
                "PATCH /api/leads/{id}": self._update,
                "GET /api/leads/{id}/replies": self._replies_of,
                "GET /api/leads/{id}/sent-emails": lambda _, name: {
                    "data": [self.workspace.shown_mail(one) for one in reversed(self._lead(name).mails)]
                },
                "GET /api/sender-emails/{id}": self._sender,
                "GET /api/replies": self._replies,
                "GET /api/custom-variables": self._variables,
                "POST /api/custom-variables": self._create_variable,
                "GET /api/webhook-url": lambda call: self._numbered(call, list(self.workspace.webhooks.values())),
                "POST /api/webhook-url": self._create_webhook,
                "PUT /api/webhook-url/{id}": self._update_webhook,
                "DELETE /api/webhook-url/{id}": self._delete_webhook,
            }
        )

    @property
    def effects(self) -> Counter[str]:
        """Returns each different change of a lead; a change that is made twice counts once."""
        return Counter(set(self.written))

    def state(self) -> dict[str, Any]:
        return {"leads": [one.shown() for one in self.workspace.leads.values()], "webhooks": self.workspace.webhooks}

    # ------------------------------------------------------------ the vendor's rules

    def authorize(self, request: ReceivedRequest) -> None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise self.refusals["401"]

    def find_violation(self, request: ReceivedRequest) -> str | None:
        """Checks the request; the document writes `filters[updated_at][value]` with dots, and lists without []."""
        address = urlsplit(request.target)
        query = [(_documented(name), value) for name, value in parse_qsl(address.query, keep_blank_values=True)]
        target = address.path + (f"?{urlencode(query)}" if query else "")
        assert self._document is not None
        return self._document.find_violation(request.method, target, request.headers, request.body)

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - the complaint names it
        return Refusal(422, {"message": complaint, "errors": {}})

    # ------------------------------------------------------------ pages

    def _numbered(self, request: ReceivedRequest, items: Sequence[Any]) -> dict[str, Any]:
        number = int(request.query.get("page", 1))
        if number > MAX_PAGES:
            raise failure(422, "Too many pages. Use pagination_type=cursor.")
        last = max(1, -(-len(items) // PAGE))
        base = f"{self.url}{request.path.removeprefix(self.prefix)}"
        shown = items[(number - 1) * PAGE : number * PAGE]
        return {
            "data": shown,
            "links": {
                "first": f"{base}?page=1",
                "last": f"{base}?page={last}",
                "prev": None if number == 1 else f"{base}?page={number - 1}",
                "next": None if number >= last else f"{base}?page={number + 1}",
            },
            "meta": {
                "current_page": number,
                "from": (number - 1) * PAGE + 1,
                "last_page": last,
                "path": base,
                "per_page": PAGE,
                "to": (number - 1) * PAGE + len(shown),
                "total": len(items),
            },
        }

    def _by_cursor(
        self, request: ReceivedRequest, items: Sequence[Item], show: Callable[[Item], dict[str, Any]]
    ) -> dict[str, Any]:
        """Returns a page of items with an `id`, the newest first; by number, as long as the call asks for no cursor."""
        newest_first = sorted(items, key=lambda one: -one.id)  # type: ignore[attr-defined]
        if request.query.get("pagination_type") != "cursor":
            return self._numbered(request, [show(one) for one in newest_first])
        below = _read_cursor(request.query.get("cursor"))
        left = [one for one in newest_first if below is None or one.id < below]  # type: ignore[attr-defined]
        page, rest = left[:PAGE], left[PAGE:]
        following = _cursor(page[-1].id) if rest else None  # type: ignore[attr-defined]
        base = f"{self.url}{request.path.removeprefix(self.prefix)}"
        return {
            "data": [show(one) for one in page],
            # The link lacks what the call asked for, so it leads nowhere.
            "links": {"first": None, "last": None, "prev": None, "next": following and f"{base}?cursor={following}"},
            "meta": {"path": base, "per_page": PAGE, "next_cursor": following, "prev_cursor": None},
        }

    # ------------------------------------------------------------ routes

    def _campaigns(self, request: ReceivedRequest) -> Any:
        shown = [self.workspace.shown_campaign(one) for one in self.workspace.campaigns.values()]
        return self._numbered(request, shown)

    def _daily(self, request: ReceivedRequest) -> Any:
        query = request.query
        first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        campaign = self.workspace.campaigns.get(int(query["campaign_ids[]"]))
        if campaign is None:
            raise self.refusals["404"]
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return {
            "data": [
                {
                    "label": label,
                    "color": "#3B82F6",
                    "dates": [[day.isoformat(), campaign.counts.get(label, Counter())[day]] for day in days],
                }
                for label in _LABELS
            ]
        }

    def _stop(self, request: ReceivedRequest, campaign_id: str) -> Any:
        campaign = self.workspace.campaigns.get(int(campaign_id))
        if campaign is None:
            raise self.refusals["404"]
        for lead_id in request.json["lead_ids"]:
            membership = self._lead(str(lead_id)).campaigns.get(campaign.id)
            if membership is not None and membership.status == "in_sequence":
                membership.status = "sequence_stopped"
                self.written.append(f"{lead_id} stopped in {campaign.id}")
        return {"data": {"success": True, "message": f"Stopping future emails for selected leads in {campaign.name}."}}

    def _leads(self, request: ReceivedRequest) -> Any:
        since = request.query.get("filters[updated_at][value]")
        found = list(self.workspace.leads.values())
        if since is not None and request.query.get("filters[updated_at][criteria]") == ">=":
            found = [one for one in found if one.updated_at.date() >= date.fromisoformat(since)]
        return self._by_cursor(request, found, lambda one: one.shown())

    def _lead(self, name: str) -> Any:
        if (found := self.workspace.find_lead(name)) is None:
            raise self.refusals["404"]
        return found

    def _update(self, request: ReceivedRequest, name: str) -> Any:
        lead = self._lead(name)
        for one in request.json.get("custom_variables") or ():
            # A variable that the workspace doesn't have is ignored.
            if one["name"] in self.workspace.variables:
                lead.variables[one["name"]] = one["value"]
                self.written.append(f"{lead.id} {one['name']}={one['value']}")
        return {"data": lead.shown()}

    def _replies(self, request: ReceivedRequest) -> Any:
        folder = request.query.get("folder", "inbox")
        found = [one for one in self.workspace.replies.values() if folder in ("all", one.folder.lower())]
        return self._by_cursor(request, found, self.workspace.shown_reply)

    def _replies_of(self, request: ReceivedRequest, name: str) -> Any:
        lead = self._lead(name)
        found = [one for one in self.workspace.replies.values() if one.lead_id == lead.id]
        return self._numbered(request, [self.workspace.shown_reply(one) for one in reversed(found)])

    def _sender(self, _request: ReceivedRequest, number: str) -> Any:
        email = self.workspace.senders.get(int(number))
        if email is None:
            raise self.refusals["404"]
        return {"data": {"id": int(number), "name": "Cody", "email": email, "type": "Inbox", "status": "Connected"}}

    def _variables(self, request: ReceivedRequest) -> Any:
        shown = [
            {"id": number, "name": name, "created_at": stamp(CREATED), "updated_at": stamp(CREATED)}
            for number, name in enumerate(self.workspace.variables, 1)
        ]
        return self._numbered(request, shown)

    def _create_variable(self, request: ReceivedRequest) -> Any:
        name = request.json["name"]
        if name in self.workspace.variables:
            raise failure(422, "The name has already been taken.")
        self.workspace.variables.append(name)
        return {"data": {"id": len(self.workspace.variables), "name": name}}

    def _create_webhook(self, request: ReceivedRequest) -> Any:
        webhook = {"id": len(self.workspace.webhooks) + 1, **request.json}
        self.workspace.webhooks[webhook["id"]] = webhook
        return VendorResponse(201, {"data": webhook})

    def _update_webhook(self, request: ReceivedRequest, webhook_id: str) -> Any:
        if int(webhook_id) not in self.workspace.webhooks:
            raise self.refusals["404"]
        self.workspace.webhooks[int(webhook_id)] |= request.json
        return {"data": self.workspace.webhooks[int(webhook_id)]}

    def _delete_webhook(self, _request: ReceivedRequest, webhook_id: str) -> Any:
        if self.workspace.webhooks.pop(int(webhook_id), None) is None:
            raise self.refusals["404"]
        return {"data": {"success": True, "message": "webhook url was successfully deleted"}}


def _documented(name: str) -> str:
    """Returns the name that the document has for a parameter on the wire."""
    return re.sub(r"\[(\w+)\]", r".\1", name).removesuffix("[]")


def _cursor(last_id: int) -> str:
    return b64encode(json.dumps({"id": last_id, "_pointsToNextItems": True}).encode()).decode()


def _read_cursor(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        found: int = json.loads(b64decode(cursor))["id"]
    except (ValueError, KeyError):
        raise failure(422, "The cursor is invalid.") from None
    return found
