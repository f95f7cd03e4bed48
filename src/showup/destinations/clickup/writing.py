"""What is written into a task: its status, our part of its description, a comment. Nothing of it is written twice."""

from typing import Any, Final

from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import Api
from showup.destinations.clickup.block import escaped, with_block
from showup.destinations.clickup.entry import RESCHEDULED, Entry
from showup.destinations.clickup.finding import Found
from showup.destinations.clickup.layouts import Layout
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task import Task
from showup.destinations.contract import Attempt, Candidate, GaveUp

# So many comments come at once; who looks for ours among a hundred newer ones has waited for days.
_COMMENTS: Final = 25
_MOST_PAGES: Final = 4


class Writing:
    """One attempt's."""

    def __init__(self, api: Api, settings: ClickUpSettings) -> None:
        self._api = api
        self._settings = settings

    async def lead(
        self, entry: Entry, layout: Layout, field: str | None, candidates: tuple[Candidate, ...], attempt: Attempt
    ) -> Task:
        """A new task among the newcomers'. Raises Refused."""
        body: dict[str, Any] = {"name": entry.name, "markdown_content": _description(entry, candidates)}
        if not attempt.overtaken and (status := self._wanted(entry, layout, ours=True)):
            body["status"] = status
        if entry.email:
            body["custom_fields"] = [{"id": field, "value": entry.email}]
        return await self._api.create(layout.id, body)

    async def follow(self, found: Found, entry: Entry, layout: Layout, attempt: Attempt) -> str:
        """The task is as the news says; answers with the comment's id. Raises Refused."""
        task = found.task
        if not found.is_new and (change := self._change(task, entry, layout, attempt)):
            await self._api.change(task.id, change)
        if attempt.number > 1 and (written := await self._comment_of(task, entry.delivery)) is not None:
            return written
        return await self._api.comment(task.id, entry.comment)

    def _change(self, task: Task, entry: Entry, layout: Layout, attempt: Attempt) -> dict[str, Any]:
        change: dict[str, Any] = {}
        status = self._status(task, entry, layout, attempt)
        if status and status.casefold() != task.status.status.casefold():
            change["status"] = status
        description = task.markdown_description or ""
        moves_block = entry.moves_block and not (attempt.overtaken and entry.booking in description)
        if moves_block and (fresh := with_block(description, entry.block, entry.booking)) != description:
            change["markdown_content"] = fresh
        return change

    def _status(self, task: Task, entry: Entry, layout: Layout, attempt: Attempt) -> str | None:
        if attempt.overtaken:
            return None
        status = self._wanted(entry, layout, ours=task.list.id in self._settings.every_list)
        return status if self._moves(task, entry, attempt) else None

    def _wanted(self, entry: Entry, layout: Layout, *, ours: bool) -> str | None:
        named = self._settings.status_after(entry.kind)
        if not named:
            return None
        status = layout.status(named)
        # A task that somebody moved to a list of their own keeps the status that it has there.
        if status is None and ours:
            raise Refused(GaveUp(because=layout.lacks_status(named)))
        return status

    def _moves(self, task: Task, entry: Entry, attempt: Attempt) -> bool:
        """A new time alone takes nothing back that a person said of the task since it was booked."""
        if entry.kind != RESCHEDULED or attempt.record is None:
            return True
        fallen = (self._settings.cancelled, self._settings.no_show)
        return task.status.status.casefold() in {one.casefold() for one in fallen if one}

    async def _comment_of(self, task: Task, delivery: str) -> str | None:
        last = None
        for _ in range(_MOST_PAGES):
            comments = await self._api.comments(task.id, last)
            for one in comments:
                if delivery in one.comment_text:
                    return str(one.id)
            if len(comments) < _COMMENTS:
                break
            last = comments[-1]
        return None


def _description(entry: Entry, candidates: tuple[Candidate, ...]) -> str:
    if not candidates:
        return entry.block
    lines = [f"- {escaped(one.name)}{_at(one.url)} ({one.because})" for one in candidates]
    return "\n".join([entry.block, "", "Nobody said which one it is, so this lead is new. It may be:", *lines])


def _at(url: str | None) -> str:
    return f": {url}" if url else ""
