"""ClickUp as a destination: one delivery finds or creates its task, and writes the event into it, never twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.clickup.client import ClickUpClient, Layout, LayoutCache, Task
from showup.destinations.clickup.render import RESCHEDULED, TaskEntry, escaped, render, with_block
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task_search import FoundTask, MirrorSync, NameMatch, TaskSearch, match_by_name
from showup.destinations.contract import (
    Attempt,
    Candidate,
    Content,
    Delivered,
    GaveUp,
    NeedsAnswer,
    Notification,
    Outcome,
    Pace,
    Question,
)
from showup.destinations.destination_kind import Mirror
from showup.destinations.vendor_api import VendorError

PACE = Pace(
    # All clients of a token share a hundred calls a minute, so some are left for other programs.
    rate_per_second=1.5,
    # One at a time: otherwise two bookings of one new attendee would create two leads.
    at_once=1,
    timeout=timedelta(seconds=25),
    retry_after=(
        *(timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30)),
        *(timedelta(hours=2), timedelta(hours=6), timedelta(hours=12)),
        # An event is worth sending for a week.
        *(timedelta(hours=24), timedelta(hours=24), timedelta(hours=24), timedelta(hours=24)),
    ),
)
# ClickUp returns this many comments at once; a delivery with a hundred newer comments has waited for days.
_COMMENTS: Final = 25
_MAX_PAGES: Final = 4


class ClickUp:
    """One workspace's ClickUp; `make_client` makes the `ClickUpClient` of one attempt."""

    def __init__(
        self,
        make_client: Callable[[], ClickUpClient],
        settings: ClickUpSettings,
        *,
        layouts: LayoutCache,
        mirror: Mirror,
        clock: Clock,
    ) -> None:
        self._make_client = make_client
        self._settings = settings
        self._layouts = layouts
        self._mirror = mirror
        self._clock = clock
        self._durations = settings.durations()

    @property
    def pace(self) -> Pace:
        return self._settings.override_pace(PACE)

    def render(self, notification: Notification) -> Content:
        content: Content = msgspec.to_builtins(render(notification))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            entry = msgspec.convert(attempt.content, TaskEntry)
        except msgspec.ValidationError as error:
            return GaveUp(because=f"the stored entry is invalid: {error}")
        began_at = self._clock()
        try:
            return await self._deliver(attempt, entry)
        except VendorError as failure:
            if not (_may_be_stale_layout(failure) and self._layouts.forget(before=began_at)):
                return failure.outcome
        # The lists are read again; some of the update may be written already.
        try:
            return await self._deliver(replace(attempt, number=attempt.number + 1), entry)
        except VendorError as failure:
            return failure.outcome

    async def _deliver(self, attempt: Attempt, entry: TaskEntry) -> Outcome:
        api = self._make_client()
        mirror_sync = MirrorSync(api, self._mirror, self._clock, max_age=self._durations.copy)
        search = TaskSearch(api, self._settings, self._layouts, self._clock)
        writer = TaskWriter(api, self._settings)
        found = await search.find(attempt, entry)
        if found is None:
            name_match = await self._match_by_name(mirror_sync, search, attempt, entry)
            if (
                name_match.exact_record is not None
                and (task := await search.get_task(name_match.exact_record)) is not None
            ):
                found = FoundTask(task=task, by="email")
            elif name_match.candidates and (needs_answer := self._ask(attempt, name_match)) is not None:
                return needs_answer
            else:
                found = await self._create_lead(api, search, writer, entry, name_match, attempt)
        list_id = found.task.list.id or self._settings.new_lead_list
        layout = await self._layouts.get(api, list_id, self._clock())
        reference = await writer.apply(found, entry, layout, attempt)
        details = {"task": found.task.url, "list": layout.name, "found_by": found.by}
        return Delivered(provider="clickup", reference=reference, record=found.task.id, found=details)

    async def _match_by_name(
        self, mirror_sync: MirrorSync, search: TaskSearch, attempt: Attempt, entry: TaskEntry
    ) -> NameMatch:
        question = attempt.question
        if question is not None:
            # A person who chose has seen the candidates; the lead lists them only where no person answered.
            return NameMatch(candidates=() if question.answered_by else question.candidates)
        if not self._settings.name_search:
            return NameMatch()
        return await match_by_name(search, mirror_sync, self._mirror, self._settings.all_lists, entry)

    def _ask(self, attempt: Attempt, name_match: NameMatch) -> NeedsAnswer | None:
        now = self._clock()
        question = attempt.question
        if question is None:
            question = Question(candidates=name_match.candidates, until=now + self._durations.answer)
        if not attempt.can_ask or question.until <= now:
            return None
        return NeedsAnswer(
            because="no record in ClickUp has this email, but some have the same name: which one is it?",
            question=question,
        )

    async def _create_lead(
        self,
        api: ClickUpClient,
        search: TaskSearch,
        writer: "TaskWriter",
        entry: TaskEntry,
        name_match: NameMatch,
        attempt: Attempt,
    ) -> FoundTask:
        list_id = self._settings.new_lead_list
        field = await search.email_field(list_id) if entry.email else None
        layout = await self._layouts.get(api, list_id, self._clock())
        task = await writer.create_lead(entry, layout, field, name_match.candidates, attempt)
        return FoundTask(task=task, by="nothing (a new lead)", is_new=True)


def _may_be_stale_layout(error: VendorError) -> bool:
    """Returns whether an outdated list layout may be the cause."""
    return isinstance(error.outcome, GaveUp) and error.status in (0, 400, 404)


class TaskWriter:
    """One attempt's writes."""

    def __init__(self, api: ClickUpClient, settings: ClickUpSettings) -> None:
        self._api = api
        self._settings = settings

    async def create_lead(
        self, entry: TaskEntry, layout: Layout, field: str | None, candidates: tuple[Candidate, ...], attempt: Attempt
    ) -> Task:
        """Creates a task in the list of new leads. Raises VendorError."""
        body: dict[str, Any] = {"name": entry.name, "markdown_content": _description(entry, candidates)}
        if not attempt.superseded and (status := self._status_for(entry, layout, ours=True)):
            body["status"] = status
        if entry.email:
            body["custom_fields"] = [{"id": field, "value": entry.email}]
        return await self._api.create_task(layout.id, body)

    async def apply(self, found: FoundTask, entry: TaskEntry, layout: Layout, attempt: Attempt) -> str:
        """Updates the task to match the event; returns the comment's id. Raises VendorError."""
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
            raise VendorError(GaveUp(because=layout.missing_status(name)))
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
