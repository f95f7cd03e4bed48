"""Decides the steps from the flow runs that exist to those that a meeting needs. Pure.

Each step can be repeated, and steps that were done are not decided again: an attempt that ends between two of them is
continued by the next one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from msgspec import Struct

from showup.destinations.prefect.render import PlannedRun

CANCELLED_BY_SHOWUP: Final = "Showup: the meeting needs no such reminder"
"""The message of the state in which Showup leaves a flow run that is needed no more."""

_REMINDER_TAG: Final = "showup-reminder:"
_BEFORE_TAG: Final = "showup-before:"
_WAITING: Final = frozenset({"SCHEDULED", "PENDING"})
# Vendors may store a time with less precision.
_SAME_TIME: Final = timedelta(seconds=1)


class RunState(Struct, frozen=True, kw_only=True):
    """The state of a flow run, as Prefect returns it."""

    message: str | None = None


class FlowRun(Struct, frozen=True, kw_only=True):
    """The fields of a flow run that decide, as Prefect returns them."""

    id: str
    state_type: str | None = None
    next_scheduled_start_time: datetime | None = None
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    state: RunState | None = None

    @property
    def reminder(self) -> str | None:
        """Returns the id of its reminder."""
        return self._tagged(_REMINDER_TAG)

    @property
    def before(self) -> str | None:
        """Returns its reminder's time before the meeting, in seconds."""
        return self._tagged(_BEFORE_TAG)

    @property
    def is_waiting(self) -> bool:
        """Returns whether it has not started, and will."""
        return self.state_type in _WAITING

    @property
    def is_cancelled_by_showup(self) -> bool:
        """Returns whether Showup cancelled it, and not a person."""
        return self.state_type == "CANCELLED" and self.state is not None and self.state.message == CANCELLED_BY_SHOWUP

    def is_due_at(self, at: datetime) -> bool:
        """Returns whether it will start at this time."""
        return self.next_scheduled_start_time is not None and abs(self.next_scheduled_start_time - at) < _SAME_TIME

    def _tagged(self, prefix: str) -> str | None:
        return next((tag.removeprefix(prefix) for tag in self.tags if tag.startswith(prefix)), None)


class CreateRun(Struct, frozen=True):
    """Create a flow run for the reminder."""

    run: PlannedRun


class RetimeRun(Struct, frozen=True):
    """Set the time of a flow run: the reminder's."""

    flow_run: FlowRun
    run: PlannedRun


class UpdateRun(Struct, frozen=True):
    """Set the tags and parameters of a flow run: the reminder's."""

    flow_run: FlowRun
    run: PlannedRun


class CancelRun(Struct, frozen=True):
    """Cancel a flow run."""

    flow_run: FlowRun


Step: TypeAlias = CreateRun | RetimeRun | UpdateRun | CancelRun


def decide_steps(found: Sequence[FlowRun], planned: Sequence[PlannedRun], now: datetime) -> list[Step]:
    """Returns the steps, in order: what is needed no more is cancelled first.

    A flow run whose reminder moved gets the new time, if it still waits. One that started stays as it is. A person's
    cancellation stays too.
    """
    by_reminder = {one.reminder: one for one in found if one.reminder is not None}
    needed = {run.reminder for run in planned}
    free = [one for one in found if one.is_waiting and one.reminder not in needed]
    steps: list[Step] = []
    for run in planned:
        current = by_reminder.get(run.reminder)
        if current is not None:
            steps += _steps_of(current, run)
        elif run.is_ahead and run.expires_at > now:
            moved = next((one for one in free if one.before == str(run.before)), None)
            if moved is None:
                steps.append(CreateRun(run))
            else:
                free.remove(moved)
                steps += [RetimeRun(moved, run), UpdateRun(moved, run)]
    return [*(CancelRun(one) for one in free), *steps]


def _steps_of(flow_run: FlowRun, run: PlannedRun) -> list[Step]:
    if flow_run.is_waiting:
        steps: list[Step] = [] if flow_run.is_due_at(run.due_at) else [RetimeRun(flow_run, run)]
        is_current = all(flow_run.parameters.get(name) == value for name, value in run.parameters.items())
        return steps if is_current else [*steps, UpdateRun(flow_run, run)]
    if flow_run.is_cancelled_by_showup and run.is_ahead:
        return [RetimeRun(flow_run, run), UpdateRun(flow_run, run)]
    return []


def tags_of(run: PlannedRun, others: Sequence[str] = ()) -> list[str]:
    """Returns the tags of a reminder's flow run besides the booking's; `others` stay."""
    kept = [tag for tag in others if not tag.startswith((_REMINDER_TAG, _BEFORE_TAG))]
    return [*kept, f"{_REMINDER_TAG}{run.reminder}", f"{_BEFORE_TAG}{run.before}"]


def accepted_parameters(parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters that a flow declares in its schema; all of them if it has none."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return dict(parameters)
    return {name: value for name, value in parameters.items() if name in properties}
