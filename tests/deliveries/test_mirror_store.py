"""TE5: the copy of a CRM's records, by which people are found who have another address there."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.deliveries.delivery import Lane
from showup.deliveries.mirror_store import StoredMirror
from showup.destinations.kind import Mirrored
from tests.stories.webhooks import MONDAY

HOUR = timedelta(hours=1)
LIST = "901"


def copied(record: str, name: str = "ann acme", hours: float = 0, **more: str) -> Mirrored:
    fields = {"list": LIST, "title": name.title(), "last_name": name.rpartition(" ")[2]} | more
    return Mirrored(record=record, name=name, updated_at=MONDAY + hours * HOUR, **fields)


@pytest.fixture
def mirror(engine: AsyncEngine, workspace: UUID) -> StoredMirror:
    return StoredMirror(engine, Lane(workspace_id=workspace, destination="clickup"), lambda: MONDAY)


async def test_there_is_none_yet(mirror: StoredMirror) -> None:
    assert await mirror.synced_until(LIST) is None
    assert await mirror.synced_at(LIST) is None
    assert await mirror.called("acme") == []


async def test_what_was_put_is_found_newest_first(mirror: StoredMirror) -> None:
    old, new = copied("1", email="ann@acme.example"), copied("2", "bea acme", 1, url="https://crm.example/2")
    await mirror.put(LIST, [old, new, copied("3", "ann other")], MONDAY + HOUR)
    assert await mirror.called("acme") == [new, old]
    assert (await mirror.synced_until(LIST), await mirror.synced_at(LIST)) == (MONDAY + HOUR, MONDAY)


async def test_what_changed_takes_the_place_of_what_it_was(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [copied("1")], MONDAY)
    renamed = copied("1", "ann married", 2, list="902")
    await mirror.put("902", [renamed], MONDAY + 2 * HOUR)
    assert await mirror.called("acme") == []
    assert await mirror.called("married") == [renamed]


async def test_one_record_twice_in_a_page_is_the_last_of_the_two(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [copied("1"), copied("1", "bea acme", 1)], MONDAY)
    assert [one.name for one in await mirror.called("acme")] == ["bea acme"]


async def test_it_never_goes_back(mirror: StoredMirror) -> None:
    """Two processes copy at once, and the slower one ends last."""
    await mirror.put(LIST, [], MONDAY + HOUR)
    await mirror.put(LIST, [], MONDAY)
    assert await mirror.synced_until(LIST) == MONDAY + HOUR


async def test_an_older_copy_does_not_take_the_place_of_a_newer_one(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [copied("1", "ann married", 1)], MONDAY + HOUR)
    await mirror.put(LIST, [copied("1")], MONDAY)
    assert [one.name for one in await mirror.called("married")] == ["ann married"]


async def test_another_lane_has_another_copy(mirror: StoredMirror, engine: AsyncEngine, workspace: UUID) -> None:
    await mirror.put(LIST, [copied("1")], MONDAY)
    other = StoredMirror(engine, Lane(workspace_id=workspace, destination="notion"), lambda: MONDAY)
    assert await other.called("acme") == []
    assert await other.synced_until(LIST) is None
