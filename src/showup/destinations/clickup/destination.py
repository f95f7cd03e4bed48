"""ClickUp as a destination: one delivery finds or creates its task, and writes what the event says."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.clickup.client import ClickUpClient
from showup.destinations.clickup.entry import TaskEntry
from showup.destinations.clickup.errors import ClickUpError
from showup.destinations.clickup.layout_cache import LayoutCache
from showup.destinations.clickup.mirror_sync import MirrorSync
from showup.destinations.clickup.name_match import NameMatch, match_by_name
from showup.destinations.clickup.render import render
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.task_search import FoundTask, TaskSearch
from showup.destinations.clickup.task_writer import TaskWriter
from showup.destinations.contract import (
    Attempt,
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
        except ClickUpError as failure:
            if not (failure.may_be_stale_layout and self._layouts.forget(before=began_at)):
                return failure.outcome
        # The lists are read again; some of the update may be written already.
        try:
            return await self._deliver(replace(attempt, number=attempt.number + 1), entry)
        except ClickUpError as failure:
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
        writer: TaskWriter,
        entry: TaskEntry,
        name_match: NameMatch,
        attempt: Attempt,
    ) -> FoundTask:
        list_id = self._settings.new_lead_list
        field = await search.email_field(list_id) if entry.email else None
        layout = await self._layouts.get(api, list_id, self._clock())
        task = await writer.create_lead(entry, layout, field, name_match.candidates, attempt)
        return FoundTask(task=task, by="nothing (a new lead)", is_new=True)
