"""Which task is meant: the one known already, the one a person chose, the one with the email, or one made by us."""

import json
from datetime import timedelta
from typing import Final

from msgspec import Struct

from showup.clock import Clock
from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import PAGE, Api
from showup.destinations.clickup.entry import CREATED, Entry
from showup.destinations.clickup.layouts import Layouts
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task import Task
from showup.destinations.contract import Attempt, GaveUp

# News is told for a week; what we made for it can't be older.
_MADE_WITHIN: Final = timedelta(days=8)
_MOST_PAGES: Final = 5


class Found(Struct, frozen=True, kw_only=True):
    """A task, and how it was found; `is_new` if we have just made it, so that it is as it should be."""

    task: Task
    by: str
    is_new: bool = False


class Finding:
    """One attempt's search."""

    def __init__(self, api: Api, settings: ClickUpSettings, layouts: Layouts, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._layouts = layouts
        self._clock = clock

    async def find(self, attempt: Attempt, entry: Entry) -> Found | None:
        """Asks what ClickUp itself can be asked. Raises Refused."""
        if attempt.record is not None and (task := await self.standing(attempt.record)) is not None:
            return Found(task=task, by="an earlier delivery about this booking")
        question = attempt.question
        if question is not None and question.chosen and (task := await self.standing(question.chosen)) is not None:
            return Found(task=task, by=f"the choice of {question.answered_by}")
        if entry.email and (task := await self._with_email(entry.email)) is not None:
            return Found(task=task, by="email")
        may_be_made = attempt.number > 1 or entry.kind != CREATED
        if may_be_made and (task := await self._made_by_us(entry.booking)) is not None:
            return Found(task=task, by="our own mark in its description")
        return None

    async def standing(self, task_id: str) -> Task | None:
        """A task by its id; None for one that is gone, or that the token can't open."""
        try:
            return await self._api.task(task_id)
        except Refused as refused:
            # A token that is kept out of the lists as well is refused by the search that follows.
            if refused.status in (403, 404):
                return None
            raise

    async def email_field(self, list_id: str) -> str | None:
        """The id of a list's email field."""
        named = self._settings.email_field
        layout = await self._layouts.of(self._api, list_id, self._clock())
        if (field := layout.field(named)) is None:
            raise Refused(GaveUp(because=layout.lacks_field(named)))
        return field

    async def _with_email(self, email: str) -> Task | None:
        """In the first list that has any, the one that was changed last."""
        wanted = email.strip().casefold()
        for list_id in self._settings.every_list:
            field = await self.email_field(list_id)
            # `=` would be "contains" there.
            asked = json.dumps([{"field_id": field, "operator": "==", "value": email}])
            tasks = await self._api.tasks(list_id, custom_fields=asked, include_markdown_description="true")
            if same := [one for one in tasks if one.email(field) == wanted]:
                return max(same, key=lambda one: (one.updated_ms, one.id))
        return None

    async def _made_by_us(self, booking: str) -> Task | None:
        """A lead that an attempt made whose answer never came, or was never written down."""
        since = f"{(self._clock() - _MADE_WITHIN).timestamp() * 1000:.0f}"
        asked = {"date_created_gt": since, "include_markdown_description": "true"}
        for page in range(_MOST_PAGES):
            tasks = await self._api.tasks(self._settings.newcomers, **asked, page=str(page))
            for task in tasks:
                if booking in (task.markdown_description or ""):
                    return task
            if len(tasks) < PAGE:
                break
        return None
