"""Writes into a task: status, description block, comment. Nothing is written twice."""

from typing import Any, Final

from showup.destinations.clickup.client import ClickUpClient
from showup.destinations.clickup.description_block import escaped, with_block
from showup.destinations.clickup.entry import RESCHEDULED, TaskEntry
from showup.destinations.clickup.errors import ClickUpError
from showup.destinations.clickup.layout_cache import Layout
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task import Task
from showup.destinations.clickup.task_search import FoundTask
from showup.destinations.contract import Attempt, Candidate, GaveUp

# ClickUp returns this many comments at once; a delivery with a hundred newer comments has waited for days.
_COMMENTS: Final = 25
_MAX_PAGES: Final = 4


class TaskWriter:
    """One attempt's writes."""

    def __init__(self, api: ClickUpClient, settings: ClickUpSettings) -> None:
        self._api = api
        self._settings = settings

    async def create_lead(
        self, entry: TaskEntry, layout: Layout, field: str | None, candidates: tuple[Candidate, ...], attempt: Attempt
    ) -> Task:
        """Creates a task in the list of new leads. Raises ClickUpError."""
        body: dict[str, Any] = {"name": entry.name, "markdown_content": _description(entry, candidates)}
        if not attempt.superseded and (status := self._status_for(entry, layout, ours=True)):
            body["status"] = status
        if entry.email:
            body["custom_fields"] = [{"id": field, "value": entry.email}]
        return await self._api.create_task(layout.id, body)

    async def apply(self, found: FoundTask, entry: TaskEntry, layout: Layout, attempt: Attempt) -> str:
        """Updates the task to match the event; returns the comment's id. Raises ClickUpError."""
        task = found.task
        if not found.is_new and (change := self._change(task, entry, layout, attempt)):
            await self._api.update_task(task.id, change)
        if attempt.number > 1 and (written := await self._find_comment(task, entry.delivery)) is not None:
            return written
        return await self._api.create_comment(task.id, entry.comment)

    def _change(self, task: Task, entry: TaskEntry, layout: Layout, attempt: Attempt) -> dict[str, Any]:
        change: dict[str, Any] = {}
        status = self._new_status(task, entry, layout, attempt)
        if status and status.casefold() != task.status.status.casefold():
            change["status"] = status
        description = task.markdown_description or ""
        moves_block = entry.moves_block and not (attempt.superseded and entry.booking in description)
        if moves_block and (fresh := with_block(description, entry.block, entry.booking)) != description:
            change["markdown_content"] = fresh
        return change

    def _new_status(self, task: Task, entry: TaskEntry, layout: Layout, attempt: Attempt) -> str | None:
        if attempt.superseded:
            return None
        status = self._status_for(entry, layout, ours=task.list.id in self._settings.all_lists)
        return status if self._may_change_status(task, entry, attempt) else None

    def _status_for(self, entry: TaskEntry, layout: Layout, *, ours: bool) -> str | None:
        name = self._settings.status_for(entry.kind)
        if not name:
            return None
        status = layout.status(name)
        # A task that a person moved to another list keeps its status there.
        if status is None and ours:
            raise ClickUpError(GaveUp(because=layout.missing_status(name)))
        return status

    def _may_change_status(self, task: Task, entry: TaskEntry, attempt: Attempt) -> bool:
        """Returns whether the status may change: a new time alone does not undo what a person set since the booking."""
        if entry.kind != RESCHEDULED or attempt.record is None:
            return True
        fallen = (self._settings.cancelled, self._settings.no_show)
        return task.status.status.casefold() in {one.casefold() for one in fallen if one}

    async def _find_comment(self, task: Task, delivery: str) -> str | None:
        last = None
        for _ in range(_MAX_PAGES):
            comments = await self._api.get_comments(task.id, last)
            for one in comments:
                if delivery in one.comment_text:
                    return str(one.id)
            if len(comments) < _COMMENTS:
                break
            last = comments[-1]
        return None


def _description(entry: TaskEntry, candidates: tuple[Candidate, ...]) -> str:
    if not candidates:
        return entry.block
    lines = [f"- {escaped(one.name)}{_at(one.url)} ({one.because})" for one in candidates]
    return "\n".join([entry.block, "", "No one chose a record, so this is a new lead. Possible matches:", *lines])


def _at(url: str | None) -> str:
    return f": {url}" if url else ""
