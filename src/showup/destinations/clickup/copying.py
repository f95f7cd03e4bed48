"""A copy of the lists' tasks, for what ClickUp can't be asked: who is called how.

It is brought up to date page by page, the oldest change first, so whoever is interrupted goes on where they were.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from showup.clock import Clock
from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import PAGE, Api
from showup.destinations.clickup.names import last_name, plain_name
from showup.destinations.clickup.task import Task
from showup.destinations.contract import TryAgain
from showup.destinations.kind import Mirror, Mirrored

# Of one attempt, which has to end within the time that it has, however slow ClickUp is and whatever else it does.
_MOST_PAGES: Final = 12
_FOR_AT_MOST: Final = timedelta(seconds=12)
_LONGEST_TITLE: Final = 500
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT: Final = timedelta(milliseconds=1)


class Copying:
    """One attempt's work on the copy; it is made as the attempt begins."""

    def __init__(self, api: Api, mirror: Mirror, clock: Clock, *, at_most_old: timedelta) -> None:
        self._api = api
        self._mirror = mirror
        self._clock = clock
        self._at_most_old = at_most_old
        self._pages = 0
        self._ends_at = clock() + _FOR_AT_MOST

    async def bring_up_to_date(self, list_id: str, email_field: str | None) -> None:
        """Raises Refused when it takes longer than this attempt may, or ClickUp does not answer."""
        # A list that is copied in part has a mark as well, so that it is whole has one of its own.
        whole = f"{list_id} (whole)"
        whole_at = await self._mirror.synced_at(whole)
        if whole_at is not None and self._clock() - whole_at < self._at_most_old:
            return
        until = await self._mirror.synced_until(list_id) or _START
        page = 0
        while True:
            found = await self._page(list_id, until, page)
            moments = [one.updated_at for one in found] or [until]
            # A moment earlier: others may have been changed at the same one.
            newest = max(until, max(moments) - _MOMENT)
            await self._mirror.put(list_id, [_mirrored(one, list_id, email_field) for one in found], newest)
            if len(found) < PAGE:
                break
            # What was changed in one go fills whole pages, and to begin anew would bring the same page again.
            if min(moments) < max(moments):
                until, page = newest, 0
            else:
                page += 1
        await self._mirror.put(whole, [], newest)

    async def _page(self, list_id: str, until: datetime, page: int) -> list[Task]:
        # One page at least, or it would never be done.
        if self._pages == _MOST_PAGES or (self._pages and self._clock() > self._ends_at):
            because = f"the list {list_id} is being copied, to look for names in it: it goes on in a moment"
            raise Refused(TryAgain(because=because, fault="limit", not_before=self._clock()))
        self._pages += 1
        since = f"{until.timestamp() * 1000:.0f}"
        return await self._api.tasks(list_id, order_by="updated", reverse="true", date_updated_gt=since, page=str(page))


def _mirrored(task: Task, list_id: str, email_field: str | None) -> Mirrored:
    name = plain_name(task.name)
    return Mirrored(
        list=list_id,
        record=task.id,
        title=task.name[:_LONGEST_TITLE],
        name=name,
        last_name=last_name(name),
        updated_at=task.updated_at,
        email=task.email(email_field) or None,
        url=task.url,
    )
