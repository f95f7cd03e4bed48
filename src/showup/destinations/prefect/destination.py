"""Prefect as a destination: compares the flow runs of a booking with the reminders that it needs, and changes them."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notification, Outcome, Pace
from showup.destinations.prefect.client import Deployment, PrefectClient
from showup.destinations.prefect.render import FlowRunPlan, PlannedRun, render
from showup.destinations.prefect.settings import PrefectSettings
from showup.destinations.prefect.steps import (
    CancelRun,
    CreateRun,
    RetimeRun,
    Step,
    UpdateRun,
    accepted_parameters,
    decide_steps,
)
from showup.destinations.vendor_api import VendorError

PACE: Final = Pace(
    # A server with SQLite creates about 10 flow runs a second.
    rate_per_second=8,
    at_once=3,
    timeout=timedelta(seconds=25),
    # A server with SQLite refuses calls for seconds under load, and a reminder that comes late is worth less.
    retry_after=(
        timedelta(seconds=5),
        timedelta(seconds=20),
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
    ),
)


class Prefect:
    """One workspace's Prefect; `make_client` makes the `PrefectClient` of one attempt."""

    def __init__(
        self, make_client: Callable[[], PrefectClient], settings: PrefectSettings, pace: Pace, clock: Clock
    ) -> None:
        """Raises ValueError for invalid settings."""
        self._make_client = make_client
        self._deployment = settings.deployment_names()
        self._parameters = settings.parameter_values()
        self._pace = pace
        self._clock = clock

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notification: Notification) -> Content:
        content: Content = msgspec.to_builtins(render(notification, self._parameters))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            schedule = msgspec.convert(attempt.content, FlowRunPlan)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored flow runs are invalid: {fault}")
        if attempt.superseded:
            # A later event of the booking was delivered: the flow runs are as that one needs them.
            return Delivered(provider="prefect", found={"superseded": True})
        try:
            return await self._send(schedule)
        except VendorError as fault:
            return fault.outcome

    async def _send(self, schedule: FlowRunPlan) -> Outcome:
        api, now = self._make_client(), self._clock()
        found = await api.list_runs(schedule.tags)
        deployment, runs = None, schedule.runs
        if runs:
            deployment = await api.get_deployment(*self._deployment)
            runs = tuple(_declared(one, deployment) for one in runs) if schedule.by_name else runs
        steps = decide_steps(found, runs, now)
        for step in steps:
            await _perform(api, step, deployment, schedule)
        return Delivered(
            provider="prefect",
            reference=schedule.tags[1],
            found={
                "flow_runs": len(runs),
                "steps": dict(Counter(type(one).__name__.removesuffix("Run").lower() for one in steps)),
            },
        )


def _declared(run: PlannedRun, deployment: Deployment) -> PlannedRun:
    return replace(run, parameters=accepted_parameters(run.parameters, deployment.schema))


async def _perform(api: PrefectClient, step: Step, deployment: Deployment | None, schedule: FlowRunPlan) -> None:
    match step:
        case CreateRun():
            assert deployment is not None, "the deployment is loaded where a flow run is needed"
            await api.create(deployment, step.run, schedule.tags)
        case RetimeRun():
            await api.retime(step.flow_run, step.run)
        case UpdateRun():
            await api.update(step.flow_run, step.run)
        case CancelRun():
            await api.cancel(step.flow_run)
