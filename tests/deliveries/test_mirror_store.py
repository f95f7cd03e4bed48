"""TE5: the copy of a CRM's records finds people who have another email address there."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations.destination_kind import MirroredRecord
from showup.dispatch.mirror_store import StoredMirror
from showup.outbox.delivery import DestinationQueue
from tests.histories.webhooks import MONDAY

HOUR = timedelta(hours=1)
LIST = "901"


def mirrored_record(record: str, name: str = "ann acme", hours: float = 0, **more: str) -> MirroredRecord:
    fields = {"list": LIST, "title": name.title(), "last_name": name.rpartition(" ")[2]} | more
    return MirroredRecord(record=record, name=name, updated_at=MONDAY + hours * HOUR, **fields)


@pytest.fixture
def mirror(engine: AsyncEngine, workspace: UUID) -> StoredMirror:
    return StoredMirror(engine, DestinationQueue(workspace_id=workspace, destination="clickup"), lambda: MONDAY)


async def test_an_empty_mirror(mirror: StoredMirror) -> None:
    assert await mirror.synced_until(LIST) is None
    assert await mirror.synced_at(LIST) is None
    assert await mirror.find_by_last_name("acme") == []


async def test_stored_records_are_found_newest_first(mirror: StoredMirror) -> None:
    old, new = (
        mirrored_record("1", email="ann@acme.example"),
        mirrored_record("2", "bea acme", 1, url="https://crm.example/2"),
    )
    await mirror.put(LIST, [old, new, mirrored_record("3", "ann other")], MONDAY + HOUR)
    assert await mirror.find_by_last_name("acme") == [new, old]
    assert (await mirror.synced_until(LIST), await mirror.synced_at(LIST)) == (MONDAY + HOUR, MONDAY)


async def test_a_changed_record_replaces_its_old_copy(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [mirrored_record("1")], MONDAY)
    renamed = mirrored_record("1", "ann married", 2, list="902")
    await mirror.put("902", [renamed], MONDAY + 2 * HOUR)
    assert await mirror.find_by_last_name("acme") == []
    assert await mirror.find_by_last_name("married") == [renamed]


async def test_the_last_of_two_copies_in_a_page_is_stored(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [mirrored_record("1"), mirrored_record("1", "bea acme", 1)], MONDAY)
    assert [one.name for one in await mirror.find_by_last_name("acme")] == ["bea acme"]


async def test_sync_progress_never_goes_back(mirror: StoredMirror) -> None:
    """Two processes copy at once, and the slower one finishes last."""
    await mirror.put(LIST, [], MONDAY + HOUR)
    await mirror.put(LIST, [], MONDAY)
    assert await mirror.synced_until(LIST) == MONDAY + HOUR


async def test_a_newer_copy_is_not_replaced_by_an_older_one(mirror: StoredMirror) -> None:
    await mirror.put(LIST, [mirrored_record("1", "ann married", 1)], MONDAY + HOUR)
    await mirror.put(LIST, [mirrored_record("1")], MONDAY)
    assert [one.name for one in await mirror.find_by_last_name("married")] == ["ann married"]


async def test_each_queue_has_its_own_copy(mirror: StoredMirror, engine: AsyncEngine, workspace: UUID) -> None:
    await mirror.put(LIST, [mirrored_record("1")], MONDAY)
    other = StoredMirror(engine, DestinationQueue(workspace_id=workspace, destination="notion"), lambda: MONDAY)
    assert await other.find_by_last_name("acme") == []
    assert await other.synced_until(LIST) is None
