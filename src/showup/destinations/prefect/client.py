"""The calls of Prefect's REST API that Showup uses, and the meaning of its errors."""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from showup.destinations.contract import TryAgain
from showup.destinations.prefect.render import PlannedRun
from showup.destinations.prefect.steps import CANCELLED_BY_SHOWUP, FlowRun, tags_of
from showup.destinations.vendor_api import (
    Authorization,
    ErrorReading,
    Json,
    Vendor,
    VendorApi,
    VendorError,
    basic,
    bearer,
    short_message,
)

# Prefect's maximum of one page. A booking has some reminders, each with a run for each time that it had.
_MOST_RUNS: Final = 200

_NO_DEPLOYMENT: Final = "Prefect has no {what}: {words}. Deploy it, or correct `deployment`"
_INVALID_PARAMETERS: Final = "Prefect rejected the parameters of {what}: {words}. Set `parameters`, or correct the flow"
_CREDENTIALS: Final = "Correct PREFECT_API_KEY, or the connection's api_key"


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    words = payload.get("detail") or payload.get("exception_message")
    if not isinstance(words, str):
        return None
    if status == 404 and words.startswith("Flow run with id"):
        # A person deleted it since it was listed: the next attempt lists those that are left.
        return ErrorReading(status=409, words=words)
    if status == 404:
        # Every delivery needs the deployment, so they wait until it exists.
        return ErrorReading(status=401, words=words, because=_NO_DEPLOYMENT)
    if status == 409 and "Validation failed" in words:
        return ErrorReading(status=422, words=words, because=_INVALID_PARAMETERS)
    return ErrorReading(status=status, words=words)


PREFECT: Final = Vendor(
    name="Prefect",
    read_error=_read_error,
    credentials="the key",
    fix_credentials=_CREDENTIALS,
    fix_access=_CREDENTIALS,
    fix_url="Check PREFECT_API_URL, or api_url: it ends with /api",
)


def authorization(key: str | None) -> Authorization | None:
    """Returns the authorization: Prefect Cloud takes a key, a server of one's own a user and a password (`user:…`)."""
    if not key:
        return None
    user, separator, password = key.strip().partition(":")
    return basic(user, password) if separator else bearer(user)


class Deployment(Struct, frozen=True, kw_only=True):
    """A deployment, as Prefect returns it. `parameters` are the defaults of its flow's parameters."""

    id: str
    parameter_openapi_schema: dict[str, Any] | None = None
    parameters: dict[str, Any] = {}

    @property
    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of the flow's parameters."""
        return self.parameter_openapi_schema or {}


class PrefectClient:
    """One workspace's flow runs, for one delivery or one health check. Each call raises VendorError."""

    def __init__(self, api: VendorApi) -> None:
        self._api = api

    async def get_deployment(self, flow: str, name: str) -> Deployment:
        """Returns the deployment of this name."""
        found = await self._api.call(
            "GET",
            f"/deployments/name/{quote(flow, safe='')}/{quote(name, safe='')}",
            what=_deployment_words(flow, name),
            expect=lambda payload: bool(payload.get("id")),
        )
        return self._api.parse(found, Deployment)

    async def list_runs(self, tags: tuple[str, ...]) -> list[FlowRun]:
        """Returns the flow runs with all these tags, in every state, the newest first."""
        what = "the flow runs of a booking"
        response = await self._api.send(
            "POST",
            "/flow_runs/filter",
            json={"flow_runs": {"tags": {"all_": list(tags)}}, "sort": "ID_DESC", "limit": _MOST_RUNS},
        )
        if not response.is_success:
            self._api.read(response, what)
        try:
            found = msgspec.json.decode(response.content)
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
            raise self._api.unexpected("the list of flow runs is no JSON") from None
        return self._api.parse(found, list[FlowRun])

    async def create(self, deployment: Deployment, run: PlannedRun, tags: tuple[str, ...]) -> FlowRun:
        """Creates the flow run of a reminder; returns the one that was created for it before, if there is one."""
        created = await self._create(deployment, run, tags, run.reminder)
        if created.reminder == run.reminder:
            return created
        # The run that was once made for this reminder was moved to another one since.
        return await self._create(deployment, run, tags, f"{run.reminder}/{created.id}")

    async def _create(self, deployment: Deployment, run: PlannedRun, tags: tuple[str, ...], key: str) -> FlowRun:
        created = await self._api.call(
            "POST",
            f"/deployments/{deployment.id}/create_flow_run",
            what="the deployment",
            expect=lambda payload: bool(payload.get("id")),
            json={
                "name": run.name,
                "idempotency_key": key,
                "parameters": run.parameters,
                "tags": tags_of(run, tags),
                "state": _scheduled(run),
            },
        )
        return self._api.parse(created, FlowRun)

    async def retime(self, flow_run: FlowRun, run: PlannedRun) -> None:
        """Gives a flow run the reminder's time."""
        await self._set_state(flow_run, _scheduled(run))

    async def cancel(self, flow_run: FlowRun) -> None:
        """Cancels a flow run that has not started."""
        await self._set_state(flow_run, {"type": "CANCELLED", "message": CANCELLED_BY_SHOWUP})

    async def update(self, flow_run: FlowRun, run: PlannedRun) -> None:
        """Gives a flow run the reminder's tags and parameters."""
        what = "a flow run"
        response = await self._api.send(
            "PATCH",
            f"/flow_runs/{flow_run.id}",
            json={"tags": tags_of(run, flow_run.tags), "parameters": {**flow_run.parameters, **run.parameters}},
        )
        # The response has no body.
        if response.status_code != 204:
            self._api.read(response, what, expect=lambda _: False)

    async def _set_state(self, flow_run: FlowRun, state: Json) -> None:
        answer = await self._api.call(
            "POST",
            f"/flow_runs/{flow_run.id}/set_state",
            what="a flow run",
            expect=lambda payload: isinstance(payload.get("status"), str),
            json={"state": state},
        )
        if answer["status"] != "ACCEPT":
            details = answer.get("details")
            reason = details.get("reason") if isinstance(details, dict) else None
            words = short_message(str(reason or ""), "no reason")
            # It may have started or ended meanwhile, which the next attempt sees.
            raise VendorError(TryAgain(because=f"Prefect did not change the state of a flow run: {words}"))


def _deployment_words(flow: str, name: str) -> str:
    return f"deployment {short_message(flow, '?')}/{short_message(name, '?')}"


def _scheduled(run: PlannedRun) -> Json:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": run.due_at.isoformat()}}
