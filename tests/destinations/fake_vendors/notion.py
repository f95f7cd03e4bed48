"""A fake Notion with the databases of seed 003.

In a test: `with FakeNotion() as fake: … fake.properties_of(fake.contact)`.
"""

from collections import Counter
from typing import Any, ClassVar, Unpack

from tests.destinations.fake_vendors.notion_workspace import NotionRefusal, Page, Workspace, invalid
from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import SECOND, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorServer

KEY = "ntn_far_key"
VERSIONS = ("2025-09-03", "2026-03-11")


class FakeNotion(VendorServer):
    """`wait` is the Retry-After of a 429, 503 or 529, in seconds. `per_second` limits calls; None sets no limit.

    It starts with a contact and a sequence of ann@acme.example, in databases like seed 003's.
    """

    prefix = "/v1"
    default_key = KEY
    refusals: ClassVar = {
        "401": NotionRefusal(401, "unauthorized", "API token is invalid."),
        "403": NotionRefusal(403, "restricted_resource", "Insufficient permissions for this endpoint."),
        "404": NotionRefusal(
            404,
            "object_not_found",
            "Could not find it. Make sure the relevant pages and databases are shared with your integration.",
        ),
        "409": NotionRefusal(409, "conflict_error", "Conflict occurred while saving. Please try again."),
        "422": invalid("body failed validation: body.properties should be defined, instead was `undefined`."),
        "429": NotionRefusal(429, "rate_limited", "You have been rate limited. Please try again in a few minutes."),
        "500": NotionRefusal(500, "internal_server_error", "Unexpected error occurred."),
        "503": NotionRefusal(503, "service_unavailable", "Notion is unavailable, please try again later."),
        "529": NotionRefusal(529, "service_overload", "Notion is overloaded, please try again later."),
    }

    def __init__(
        self,
        *,
        per_second: int | None = None,
        wait: int = 2,
        email: str = "ann@acme.example",
        **options: Unpack[VendorOptions],
    ) -> None:
        super().__init__(document=vendor_document("notion"), **options)
        self.limit = SlidingLimit(per_second, SECOND, self.clock)
        self.wait = wait
        self.workspace = Workspace()
        self._add_sample_pages(email)
        self.add_routes(
            {
                "GET /v1/databases/{id}": lambda _, database: self.workspace.database(database),
                "GET /v1/data_sources/{id}": lambda _, source: self.workspace.data_source(source),
                "POST /v1/data_sources/{id}/query": lambda call, source: self.workspace.query(source, call.json),
                "GET /v1/pages/{id}": lambda _, page: self.workspace.page(page),
                "PATCH /v1/pages/{id}": lambda call, page: self.workspace.update(page, call.json),
            }
        )

    def _add_sample_pages(self, email: str) -> None:
        statuses = ("status", "Lead", "Booked", "Cancelled", "No Show", "Showed")
        self.contacts = self.workspace.add_database(
            {
                "Name": "title",
                "Email": "email",
                "Booking Status": statuses,
                "Diagnostic Call Date": "date",
                "Christmas Campaign Status": ("select", "Sent", "Pre-Call Prep"),
            }
        )
        sent = {f"Email {number} Sent": "date" for number in range(1, 8)}
        self.sequences = self.workspace.add_database({"Name": "title", "Email": "email", "Campaign": "select"} | sent)
        self.contact = self.workspace.add_page(self.contacts, {"Name": "Ann", "Email": email})
        self.sequence = self.workspace.add_page(self.sequences, {"Email": email, "Campaign": "Christmas 2025"})

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each page was changed."""
        return Counter(self.workspace.effects)

    def state(self) -> dict[str, Any]:
        pages = {one: self.properties_of(one) for one in self.workspace.pages}
        return {"contacts": self.contacts, "sequences": self.sequences, "pages": pages}

    def properties_of(self, page_id: str) -> dict[str, Any]:
        return self.workspace.properties_of(page_id)

    def page(self, page_id: str) -> Page:
        return self.workspace.pages[page_id]

    def authorize(self, request: ReceivedRequest) -> None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise self.refusals["401"]

    def find_violation(self, request: ReceivedRequest) -> str | None:
        version = request.headers.get("notion-version")
        return super().find_violation(request) if version in VERSIONS else f"Notion-Version {version}"

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:
        if request.headers.get("notion-version") not in VERSIONS:
            return NotionRefusal(400, "missing_version", "Notion-Version header should be defined")
        return invalid(complaint)

    def response_headers(self, status: int) -> dict[str, str]:
        return {"Retry-After": str(self.wait)} if status in (429, 503, 529) else {}
