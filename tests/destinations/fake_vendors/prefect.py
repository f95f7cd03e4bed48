"""A fake Prefect server: one deployment, and the flow runs that were created for it.

In a test: `with FakePrefect() as fake: … fake.runs`. What it does was tried on a server of Prefect 3.9.1, which
`make torture TORTURE=prefect` runs: an idempotency key returns the flow run that has it, in any state; a state may
follow any other; a flow run without a required parameter is refused with 409.
"""

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Unpack
from uuid import uuid4

from tests.vendors.openapi import vendor_document
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorResponse, VendorServer

KEY = "pnu_far_key"
FLOW, NAME = "reminder", "production"
DEPLOYMENT = f"{FLOW}/{NAME}"
_LONG_AGO = "2026-01-01T00:00:00Z"
_WAITING = ("SCHEDULED", "PENDING")


@dataclass(slots=True)
class FakeFlowRun:
    """A flow run. `at` is the time of its scheduled state."""

    key: str | None
    name: str
    tags: list[str]
    parameters: dict[str, Any]
    at: datetime | None
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = "SCHEDULED"
    message: str | None = None

    @property
    def is_waiting(self) -> bool:
        return self.state in _WAITING


class FakePrefect(VendorServer):
    """`schema` is that of the flow's parameters, None for a flow without one; `defaults` are the deployment's.

    `is_open`: it asks for no key. `refuses_states`: it changes no state.
    """

    prefix = "/api"
    default_key = KEY
    refusals: ClassVar = {
        "401": Refusal(401, {"exception_message": "Unauthorized"}),
        "403": Refusal(403, {"detail": "Forbidden"}),
        "404": Refusal(404, {"detail": "Deployment not found"}),
        "409": Refusal(409, {"detail": "Data integrity conflict. This usually means a unique constraint."}),
        "422": Refusal(422, {"exception_message": "Invalid request received.", "exception_detail": []}),
        "429": Refusal(429, {"detail": "Too many requests"}, {"Retry-After": "1"}),
        "500": Refusal(500, {"exception_message": "Internal Server Error"}),
        "503": Refusal(503, {"exception_message": "Service Unavailable"}, {"Retry-After": "1"}),
    }

    def __init__(self, **options: Unpack[VendorOptions]) -> None:
        super().__init__(document=vendor_document("prefect"), **options)
        self.deployment: str | None = str(uuid4())
        self.schema: dict[str, Any] | None = None
        self.defaults: dict[str, Any] = {}
        self.is_open = False
        self.refuses_states = False
        self.runs: dict[str, FakeFlowRun] = {}
        self.add_routes(
            {
                "GET /api/deployments/name/{flow}/{name}": self._show,
                "POST /api/deployments/{id}/create_flow_run": self._create,
                "POST /api/flow_runs/filter": self._list,
                "POST /api/flow_runs/{id}/set_state": self._set_state,
                "PATCH /api/flow_runs/{id}": self._update,
            }
        )

    @property
    def effects(self) -> Counter[str]:
        """Counts the flow runs that wait, by their reminder's time."""
        return Counter(str(one.at) for one in self.runs.values() if one.is_waiting)

    @property
    def waiting(self) -> list[FakeFlowRun]:
        """Returns the flow runs that wait, by time."""
        return sorted((one for one in self.runs.values() if one.is_waiting), key=lambda one: str(one.at))

    def state(self) -> dict[str, Any]:
        return {"runs": [self._shown(one) for one in self.runs.values()]}

    def authorize(self, request: ReceivedRequest) -> None:
        sent = request.headers.get("authorization")
        user = b64encode(self.key.encode()).decode()
        if not self.is_open and sent not in (f"Bearer {self.key}", f"Basic {user}"):
            raise self.refusals["401"]

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - the complaint names it
        return Refusal(422, {"exception_message": "Invalid request received.", "exception_detail": [complaint]})

    def _show(self, _request: ReceivedRequest, flow: str, name: str) -> dict[str, Any]:
        if self.deployment is None or (flow, name) != (FLOW, NAME):
            raise self.refusals["404"]
        return {
            "id": self.deployment,
            "created": _LONG_AGO,
            "updated": _LONG_AGO,
            "name": NAME,
            "flow_id": self.deployment,
            "parameters": self.defaults,
            "parameter_openapi_schema": self.schema,
        }

    def _create(self, request: ReceivedRequest, deployment: str) -> VendorResponse:
        if deployment != self.deployment:
            raise self.refusals["404"]
        asked = request.json
        known = next((one for one in self.runs.values() if one.key == asked["idempotency_key"]), None)
        if known is not None:
            return VendorResponse(200, self._shown(known))
        parameters = {**self.defaults, **asked["parameters"]}
        for name in (self.schema or {}).get("required", ()):
            if name not in parameters:
                words = f"Error creating flow run: Validation failed. Failure reason: '{name}' is a required property"
                raise Refusal(409, {"detail": words})
        run = FakeFlowRun(asked["idempotency_key"], asked["name"], asked["tags"], parameters, _time(asked["state"]))
        self.runs[run.id] = run
        return VendorResponse(201, self._shown(run))

    def _list(self, request: ReceivedRequest) -> list[dict[str, Any]]:
        tags, limit = set(request.json["flow_runs"]["tags"]["all_"]), request.json["limit"]
        if limit > 200:
            raise Refusal(422, {"detail": "Invalid limit: must be less than or equal to 200."})
        return [self._shown(one) for one in reversed(self.runs.values()) if tags <= set(one.tags)][:limit]

    def _set_state(self, request: ReceivedRequest, run_id: str) -> VendorResponse:
        run, asked = self._run(run_id), request.json["state"]
        if self.refuses_states:
            details = {"type": "reject_details", "reason": "This run has already terminated."}
            return VendorResponse(200, {"state": self._state(run), "status": "REJECT", "details": details})
        run.state, run.message, run.at = asked["type"], asked.get("message"), _time(asked)
        return VendorResponse(
            201, {"state": self._state(run), "status": "ACCEPT", "details": {"type": "accept_details"}}
        )

    def _update(self, request: ReceivedRequest, run_id: str) -> VendorResponse:
        run = self._run(run_id)
        run.tags, run.parameters = request.json["tags"], request.json["parameters"]
        return VendorResponse(204)

    def _run(self, run_id: str) -> FakeFlowRun:
        if run_id not in self.runs:
            raise Refusal(404, {"exception_message": f"Flow run with id {run_id} not found"})
        return self.runs[run_id]

    def _shown(self, run: FakeFlowRun) -> dict[str, Any]:
        return {
            "id": run.id,
            "created": _LONG_AGO,
            "updated": _LONG_AGO,
            "name": run.name,
            "flow_id": self.deployment or run.id,
            "deployment_id": self.deployment,
            "idempotency_key": run.key,
            "tags": run.tags,
            "parameters": run.parameters,
            "state_type": run.state,
            "next_scheduled_start_time": None if run.at is None or not run.is_waiting else run.at.isoformat(),
            "state": self._state(run),
        }

    @staticmethod
    def _state(run: FakeFlowRun) -> dict[str, Any]:
        return {"id": run.id, "type": run.state, "message": run.message}


def _time(state: dict[str, Any]) -> datetime | None:
    at = state.get("state_details", {}).get("scheduled_time")
    return None if at is None else datetime.fromisoformat(at)
