"""ClickUp as a destination: one delivery finds or creates its task, and writes the event into it, never twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.clickup.client import ClickUpClient, Layout, LayoutCache, Task
from showup.destinations.clickup.render import (
    TaskEntry,
    escaped,
    marker_of,
    meeting_block,
    render,
    when,
    with_block,
    with_reason,
)
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task_search import (
    FoundTask,
    MirrorSync,
    TaskSearch,
    find_by_copied_email,
    match_by_name,
)
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
from showup.destinations.record_status import (
    RecordState,
    StatusDecision,
    change_of,
    decide_status,
    describe_ahead,
    same_status,
)
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
        writer = TaskWriter(api, self._settings, self._clock)
        found = await search.find(attempt, entry)
        if found is None and attempt.question is None and entry.email:
            found = await find_by_copied_email(search, mirror_sync, self._mirror, self._settings.all_lists, entry.email)
        if found is None:
            candidates = await self._match_by_name(mirror_sync, search, attempt, entry)
            if candidates and (needs_answer := self._ask(attempt, candidates)) is not None:
                return needs_answer
            found = await self._create_lead(api, search, writer, entry, candidates, attempt)
        list_id = found.task.list.id or self._settings.new_lead_list
        layout = await self._layouts.get(api, list_id, self._clock())
        update = await writer.apply(found, entry, layout, attempt)
        details = {"task": found.task.url, "list": layout.name, "found_by": found.by, **update.found}
        return Delivered(provider="clickup", reference=update.comment, record=found.task.id, found=details)

    async def _match_by_name(
        self, mirror_sync: MirrorSync, search: TaskSearch, attempt: Attempt, entry: TaskEntry
    ) -> tuple[Candidate, ...]:
        question = attempt.question
        if question is not None:
            # A person who chose has seen the candidates; the lead lists them only where no person answered.
            return () if question.answered_by else question.candidates
        if not self._settings.name_search:
            return ()
        return await match_by_name(search, mirror_sync, self._mirror, self._settings.all_lists, entry)

    def _ask(self, attempt: Attempt, candidates: tuple[Candidate, ...]) -> NeedsAnswer | None:
        now = self._clock()
        question = attempt.question
        if question is None:
            question = Question(candidates=candidates, until=now + self._durations.answer)
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
        candidates: tuple[Candidate, ...],
        attempt: Attempt,
    ) -> FoundTask:
        list_id = self._settings.new_lead_list
        field = await search.email_field(list_id) if entry.email else None
        layout = await self._layouts.get(api, list_id, self._clock())
        task = await writer.create_lead(entry, layout, field, candidates, attempt)
        return FoundTask(task=task, by="nothing (a new lead)", is_new=True)


def _may_be_stale_layout(error: VendorError) -> bool:
    """Returns whether an outdated list layout may be the cause."""
    return isinstance(error.outcome, GaveUp) and error.status in (0, 400, 404)


class WrittenEntry(Struct, frozen=True, kw_only=True):
    """The id of an entry's comment, and the values that the task has through this event (`Delivered.found`)."""

    comment: str
    found: dict[str, Any]


class TaskWriter:
    """One attempt's writes."""

    def __init__(self, api: ClickUpClient, settings: ClickUpSettings, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock

    async def create_lead(
        self, entry: TaskEntry, layout: Layout, field: str | None, candidates: tuple[Candidate, ...], attempt: Attempt
    ) -> Task:
        """Creates a task in the list of new leads. Raises VendorError."""
        body: dict[str, Any] = {"name": entry.name, "markdown_content": _description(entry, candidates)}
        if (status := self._decide(None, entry, layout, attempt).status) is not None:
            body["status"] = status
        if entry.email:
            body["custom_fields"] = [{"id": field, "value": entry.email}]
        return await self._api.create_task(layout.id, body)

    async def apply(self, found: FoundTask, entry: TaskEntry, layout: Layout, attempt: Attempt) -> WrittenEntry:
        """Updates the task to match the event. Raises VendorError."""
        task = found.task
        comment = await self._find_comment(task, entry.delivery) if attempt.number > 1 and not found.is_new else None
        decision = self._decide(None if found.is_new else task, entry, layout, attempt)
        status = decision.status
        # The comment is written last. If it is there, a status that differs was changed since the earlier attempt.
        if comment is not None and status is not None and not same_status(status, task.status.status):
            status = None
        if not found.is_new and (change := self._change(task, entry, status, attempt)):
            await self._api.update_task(task.id, change)
        values: dict[str, Any] = {} if status is None else {"set": {"status": status}}
        try:
            comment = comment or await self._create_comment(task, entry, decision)
        except VendorError as error:
            outcome = replace(error.outcome, record=task.id, found=values)
            raise VendorError(outcome, error.status) from None
        return WrittenEntry(comment=comment, found=values)

    async def _create_comment(self, task: Task, entry: TaskEntry, decision: StatusDecision) -> str:
        text = entry.comment
        if decision.because is not None:
            text = with_reason(text, decision.because, entry.delivery)
        return await self._api.create_comment(task.id, text)

    def _change(self, task: Task, entry: TaskEntry, status: str | None, attempt: Attempt) -> dict[str, Any]:
        change: dict[str, Any] = {}
        if status is not None and not same_status(status, task.status.status):
            change["status"] = status
        description = fresh = task.markdown_description or ""
        if entry.moves_block and not (attempt.superseded and entry.booking in description):
            fresh = with_block(fresh, entry.block, entry.booking)
        ahead = attempt.meeting_ahead
        # Deliveries about the other meeting may have been before this connection, or are yet to come.
        if change_of(entry.kind) == "ended" and ahead is not None and marker_of(ahead.booking_id) not in fresh:
            fresh = with_block(fresh, meeting_block(ahead, entry.time_zone), marker_of(ahead.booking_id))
        if fresh != description:
            change["markdown_content"] = fresh
        return change

    def _decide(self, task: Task | None, entry: TaskEntry, layout: Layout, attempt: Attempt) -> StatusDecision:
        """Decides about the status of a task; of a new lead if `task` is None."""
        if attempt.superseded:
            return StatusDecision()
        ahead = attempt.meeting_ahead
        ahead_at = "" if ahead is None else when(ahead.start_time, ahead.end_time, entry.time_zone)
        record = RecordState(
            status="" if task is None else task.status.status,
            last_set=None if task is None else attempt.last_value(task.id, "status"),
            is_new=task is None,
            is_known=task is not None and task.id == attempt.record,
            meeting_ahead=describe_ahead(ahead, ahead_at, self._clock()),
        )
        wanted = self._status_for(entry, layout, ours=task is None or task.list.id in self._settings.all_lists)
        return decide_status(change_of(entry.kind), wanted, record, self._settings.missed_statuses)

    def _status_for(self, entry: TaskEntry, layout: Layout, *, ours: bool) -> str | None:
        name = self._settings.status_for(entry.kind)
        if not name:
            return None
        status = layout.status(name)
        # A task that a person moved to another list keeps its status there.
        if status is None and ours:
            raise VendorError(GaveUp(because=layout.missing_status(name)))
        return status

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
