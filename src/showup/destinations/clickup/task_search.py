"""Finds the task: the known one, the one a person chose, the one with the email, or one that Showup created."""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from showup.clock import Clock
from showup.destinations.clickup.client import PAGE, ClickUpClient, LayoutCache, Task
from showup.destinations.clickup.render import TaskEntry
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.contract import Attempt, Candidate, GaveUp, TryAgain
from showup.destinations.destination_kind import Mirror, MirroredRecord
from showup.destinations.record_status import CREATED
from showup.destinations.vendor_api import VendorError
from showup.values.email_address import email_spellings, normalize_email

# An event is sent for a week, so a task created for it can't be older.
_CREATED_WITHIN: Final = timedelta(days=8)
_MAX_PAGES: Final = 5
# For one attempt, which must end within its time limit, however slow ClickUp is.
_MAX_COPIED_PAGES: Final = 12
_MAX_DURATION: Final = timedelta(seconds=12)
_LONGEST_TITLE: Final = 500
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT: Final = timedelta(milliseconds=1)
_MAX_CANDIDATES: Final = 5
# Separators between a name and the rest of a task's title: "Ann Lee - Acme", "Ann Lee (Acme)", "Ann Lee, CEO".
_SEPARATOR: Final = re.compile(r"\s[-–—|/:]\s|[(|:,/]")
_INITIAL: Final = 1
_SHORTENED: Final = 3


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
        """Searches with the queries that ClickUp supports. Raises VendorError."""
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
        except VendorError as error:
            # If the token can't open the lists either, the search that follows is refused.
            if error.status in (403, 404):
                return None
            raise

    async def email_field(self, list_id: str) -> str | None:
        """Returns the id of a list's email field."""
        named = self._settings.email_field
        layout = await self._layouts.get(self._api, list_id, self._clock())
        if (field := layout.field(named)) is None:
            raise VendorError(GaveUp(because=layout.missing_field(named)))
        return field

    async def _find_by_email(self, email: str) -> Task | None:
        """Returns the most recently changed task, from the first list that has a match."""
        normalized = normalize_email(email)
        for list_id in self._settings.all_lists:
            field = await self.email_field(list_id)
            # ClickUp's `=` means "contains" for this field.
            tasks: list[Task] = []
            for spelling in email_spellings(email):
                custom_fields = json.dumps([{"field_id": field, "operator": "==", "value": spelling}])
                tasks += await self._api.get_tasks(
                    list_id, custom_fields=custom_fields, include_markdown_description="true"
                )
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


class MirrorSync:
    """One attempt's work on the copy; it is created when the attempt begins."""

    def __init__(self, api: ClickUpClient, mirror: Mirror, clock: Clock, *, max_age: timedelta) -> None:
        self._api = api
        self._mirror = mirror
        self._clock = clock
        self._max_age = max_age
        self._pages = 0
        self._ends_at = clock() + _MAX_DURATION

    async def sync(self, list_id: str, email_field: str | None) -> None:
        """Brings the copy up to date.

        Raises VendorError when ClickUp does not answer, or the attempt's time runs out.
        """
        # A partly copied list has a mark as well, so a complete copy has a mark of its own.
        complete_key = f"{list_id} (whole)"
        completed_at = await self._mirror.synced_at(complete_key)
        if completed_at is not None and self._clock() - completed_at < self._max_age:
            return
        until = await self._mirror.synced_until(list_id) or _START
        page = 0
        while True:
            found = await self._page(list_id, until, page)
            moments = [one.updated_at for one in found] or [until]
            # A moment earlier: other tasks may have changed at the same moment.
            newest = max(until, max(moments) - _MOMENT)
            await self._mirror.put(list_id, [_mirrored_record(one, list_id, email_field) for one in found], newest)
            if len(found) < PAGE:
                break
            # A bulk change fills whole pages, and starting again would return the same page.
            if min(moments) < max(moments):
                until, page = newest, 0
            else:
                page += 1
        await self._mirror.put(complete_key, [], newest)

    async def _page(self, list_id: str, until: datetime, page: int) -> list[Task]:
        # At least one page, or the copy would never be complete.
        if self._pages == _MAX_COPIED_PAGES or (self._pages and self._clock() > self._ends_at):
            because = f"Showup is copying the list {list_id} to search it by name, and continues in a moment"
            raise VendorError(TryAgain(because=because, fault="limit", not_before=self._clock()))
        self._pages += 1
        since = f"{until.timestamp() * 1000:.0f}"
        return await self._api.get_tasks(
            list_id, order_by="updated", reverse="true", date_updated_gt=since, page=str(page)
        )


def _mirrored_record(task: Task, list_id: str, email_field: str | None) -> MirroredRecord:
    name = plain_name(task.name)
    return MirroredRecord(
        list=list_id,
        record=task.id,
        title=task.name[:_LONGEST_TITLE],
        name=name,
        last_name=last_name(name),
        updated_at=task.updated_at,
        email=task.email(email_field) or None,
        url=task.url,
    )


async def find_by_copied_email(
    search: TaskSearch, mirror_sync: MirrorSync, mirror: Mirror, lists: tuple[str, ...], email: str
) -> FoundTask | None:
    """Searches the copy for a task whose email is spelled in another way, which ClickUp's search may not find.

    The first list with such a task wins, and in it the task that was changed last. Raises VendorError.
    """
    normalized = normalize_email(email)
    await _sync_all(search, mirror_sync, lists)
    copied = [one for one in await mirror.find_by_email(normalized) if one.list in lists]
    # A stable sort: the newest of a list stays first.
    for one in sorted(copied, key=lambda one: lists.index(one.list)):
        task = await search.get_task(one.record)
        # The copy may be older than a change of the task.
        if task is not None and task.email(await search.email_field(one.list)) == normalized:
            return FoundTask(task=task, by="email")
    return None


async def match_by_name(
    search: TaskSearch, mirror_sync: MirrorSync, mirror: Mirror, lists: tuple[str, ...], entry: TaskEntry
) -> tuple[Candidate, ...]:
    """Returns possible tasks from the copy, after bringing it up to date. Raises VendorError."""
    name = plain_name(entry.name)
    if not name or "@" in entry.name:
        return ()
    await _sync_all(search, mirror_sync, lists)
    alike: list[tuple[int, int, int, Candidate]] = []
    for one in await mirror.find_by_last_name(last_name(name)):
        if one.list in lists and (near := name_similarity(name, one.name)) is not None:
            alike.append((near[0], lists.index(one.list), len(alike), _candidate(one, near[1], entry)))
    alike.sort(key=lambda one: one[:3])
    return tuple(candidate for *_, candidate in alike[:_MAX_CANDIDATES])


async def _sync_all(search: TaskSearch, mirror_sync: MirrorSync, lists: tuple[str, ...]) -> None:
    for list_id in lists:
        await mirror_sync.sync(list_id, await search.email_field(list_id))


def _candidate(one: MirroredRecord, because: str, entry: TaskEntry) -> Candidate:
    other = ", but another email" if one.email and entry.email else ""
    return Candidate(record=one.record, name=one.title, url=one.url, because=f"{because}{other}")


def plain_name(text: str) -> str:
    """Returns the name at the start of a title: no accents, lower case, words separated by one space."""
    # A title that begins with a separator has its name after it.
    raw_name = next((part for part in _SEPARATOR.split(text) if part.strip()), "")
    # Twice: decomposition may yield a capital letter, and lower-casing may yield an accent.
    decomposed = _decomposed(_decomposed(raw_name).casefold())
    letters = (letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def last_name(plain: str) -> str:
    """Returns the last word of a plain name."""
    return plain.rpartition(" ")[2]


def name_similarity(name: str, other: str) -> tuple[int, str] | None:
    """Returns how close two plain names with the same last name are, and why.

    0 is closest; None means different people.
    """
    if not name or last_name(name) != last_name(other):
        return None
    if name == other:
        return 0, "the same name"
    first_names, other_first_names = name.split()[:-1], other.split()[:-1]
    if not first_names or not other_first_names:
        return 3, "only the same last name"
    first, second = sorted((first_names[0], other_first_names[0]), key=len)
    if first == second:
        return 1, "the same first and last name"
    if not second.startswith(first):
        return None
    if len(first) == _INITIAL:
        return 2, "the same last name and first initial"
    return (2, "the same last name, and a short form of the first name") if len(first) >= _SHORTENED else None
