"""Finds the task: the known one, the one a person chose, the one with the email, or one that Showup created."""

import json
from datetime import timedelta
from typing import Final

from msgspec import Struct

from showup.clock import Clock
from showup.destinations.clickup.client import PAGE, ClickUpClient
from showup.destinations.clickup.entry import CREATED, TaskEntry
from showup.destinations.clickup.errors import ClickUpError
from showup.destinations.clickup.layout_cache import LayoutCache
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task import Task
from showup.destinations.contract import Attempt, GaveUp
from showup.values.email_address import normalize_email

# An event is sent for a week, so a task created for it can't be older.
_CREATED_WITHIN: Final = timedelta(days=8)
_MAX_PAGES: Final = 5


class FoundTask(Struct, frozen=True, kw_only=True):
    """A task, and how it was found. `is_new`: Showup just created it, so it needs no update."""

    task: Task
    by: str
    is_new: bool = False


class TaskSearch:
    """One attempt's search."""

    def __init__(self, api: ClickUpClient, settings: ClickUpSettings, layouts: LayoutCache, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._layouts = layouts
        self._clock = clock

    async def find(self, attempt: Attempt, entry: TaskEntry) -> FoundTask | None:
        """Searches with the queries that ClickUp supports. Raises ClickUpError."""
        if attempt.record is not None and (task := await self.get_task(attempt.record)) is not None:
            return FoundTask(task=task, by="an earlier delivery about this booking")
        question = attempt.question
        if question is not None and question.chosen and (task := await self.get_task(question.chosen)) is not None:
            return FoundTask(task=task, by=f"the choice of {question.answered_by}")
        if entry.email and (task := await self._find_by_email(entry.email)) is not None:
            return FoundTask(task=task, by="email")
        may_exist = attempt.number > 1 or entry.kind != CREATED
        if may_exist and (task := await self._find_by_marker(entry.booking)) is not None:
            return FoundTask(task=task, by="Showup's marker in its description")
        return None

    async def get_task(self, task_id: str) -> Task | None:
        """Returns a task by its id; None if it is gone, or the token can't open it."""
        try:
            return await self._api.get_task(task_id)
        except ClickUpError as error:
            # If the token can't open the lists either, the search that follows is refused.
            if error.status in (403, 404):
                return None
            raise

    async def email_field(self, list_id: str) -> str | None:
        """Returns the id of a list's email field."""
        named = self._settings.email_field
        layout = await self._layouts.get(self._api, list_id, self._clock())
        if (field := layout.field(named)) is None:
            raise ClickUpError(GaveUp(because=layout.missing_field(named)))
        return field

    async def _find_by_email(self, email: str) -> Task | None:
        """Returns the most recently changed task, from the first list that has a match."""
        normalized = normalize_email(email)
        for list_id in self._settings.all_lists:
            field = await self.email_field(list_id)
            # ClickUp's `=` means "contains" for this field.
            custom_fields = json.dumps([{"field_id": field, "operator": "==", "value": email}])
            tasks = await self._api.get_tasks(list_id, custom_fields=custom_fields, include_markdown_description="true")
            if same := [one for one in tasks if one.email(field) == normalized]:
                return max(same, key=lambda one: (one.updated_ms, one.id))
        return None

    async def _find_by_marker(self, booking: str) -> Task | None:
        """Returns a lead created by an attempt whose response was lost or never recorded."""
        since = f"{(self._clock() - _CREATED_WITHIN).timestamp() * 1000:.0f}"
        params = {"date_created_gt": since, "include_markdown_description": "true"}
        for page in range(_MAX_PAGES):
            tasks = await self._api.get_tasks(self._settings.new_lead_list, **params, page=str(page))
            for task in tasks:
                if booking in (task.markdown_description or ""):
                    return task
            if len(tasks) < PAGE:
                break
        return None
