"""Copies the lists' tasks, because ClickUp can't search tasks by name.

The copy is updated page by page, oldest change first, so an interrupted update continues where it stopped.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from showup.clock import Clock
from showup.destinations.clickup.client import PAGE, ClickUpClient
from showup.destinations.clickup.errors import ClickUpError
from showup.destinations.clickup.names import last_name, plain_name
from showup.destinations.clickup.task import Task
from showup.destinations.contract import TryAgain
from showup.destinations.destination_kind import Mirror, MirroredRecord

# For one attempt, which must end within its time limit, however slow ClickUp is.
_MAX_PAGES: Final = 12
_MAX_DURATION: Final = timedelta(seconds=12)
_LONGEST_TITLE: Final = 500
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT: Final = timedelta(milliseconds=1)


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

        Raises ClickUpError when ClickUp does not answer, or the attempt's time runs out.
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
        if self._pages == _MAX_PAGES or (self._pages and self._clock() > self._ends_at):
            because = f"Showup is copying the list {list_id} to search it by name, and continues in a moment"
            raise ClickUpError(TryAgain(because=because, fault="limit", not_before=self._clock()))
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
