"""Replays a workspace's log from its beginning, page by page, with the projector's own step."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.events.translation import Ignored, Unreadable
from showup.inbox import store
from showup.inbox.apply import AppliedBatch, Batch, apply_batch
from showup.inbox.rebuild import shadow
from showup.inbox.store import InboxEvent
from showup.inbox.translation import translate_event

PAGE_SIZE: Final = 1_000
# These events had no effect, so they are only translated again.
_IGNORED_TYPES: Final[Mapping[str, type]] = {"ignored": Ignored, "unreadable": Unreadable}

Progress = Callable[[int], None]
"""Receives the number of events of the log that were processed since the last call."""


class StatisticsRefresh:
    """Refreshes the planner's statistics after the first page, and each time the shadow has grown fourfold."""

    def __init__(self) -> None:
        self._processed = 0
        self._next_refresh = 1

    async def add(self, connection: asyncpg.Connection, event_count: int) -> None:
        """Refreshes the statistics if due."""
        self._processed += event_count
        if self._processed >= self._next_refresh:
            self._next_refresh = self._processed * 4
            await shadow.analyze_shadow(connection)


class ReplayPage(Struct, frozen=True, kw_only=True):
    """Consecutive events: those to replay, in the order of the feed, and those that are only translated."""

    events: list[InboxEvent]
    ignored: list[tuple[str, InboxEvent]]

    @property
    def size(self) -> int:
        """Returns the number of events of the log."""
        return len(self.events) + len(self.ignored)


async def replay_workspace(
    connection: asyncpg.Connection,
    live_schema: str,
    workspace_id: UUID,
    statistics: StatisticsRefresh,
    on_progress: Progress,
    *,
    page_size: int,
) -> int:
    """Replays the workspace's events in order; returns how many events set aside would be read otherwise today."""
    position, newly_readable = 0, 0
    while (page := await _fetch_page(connection, live_schema, workspace_id, position, page_size)).size:
        if page.events:
            batch_result = await apply_batch(connection, workspace_id, Batch(page.events), handlers={}, now=None)
            await _mark_processed(connection, batch_result)
        newly_readable += sum(
            not isinstance(translate_event(event)[0], _IGNORED_TYPES[state]) for state, event in page.ignored
        )
        position += page.size
        await statistics.add(connection, page.size)
        on_progress(page.size)
    return newly_readable


async def _fetch_page(
    connection: asyncpg.Connection, live_schema: str, workspace_id: UUID, after: int, limit: int
) -> ReplayPage:
    fields = InboxEvent.__struct_fields__
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(f"e.{name}" for name in fields)}, e.state
        FROM replay_order a JOIN {live_schema}.inbox_events e ON e.id = a.id
        WHERE a.workspace_id = $1 AND a.place > $2 AND a.place <= $2 + $3 ORDER BY e.number, e.id
        """,  # noqa: S608  # fields of our own and the quoted name of a schema
        workspace_id,
        after,
        limit,
    )
    events = [(row["state"], InboxEvent(**{name: row[name] for name in fields})) for row in rows]
    return ReplayPage(
        events=[event for state, event in events if state not in _IGNORED_TYPES],
        ignored=[(state, event) for state, event in events if state in _IGNORED_TYPES],
    )


async def _mark_processed(connection: asyncpg.Connection, batch_result: AppliedBatch) -> None:
    """Marks the events processed as the projector does, but outside the log."""
    await connection.execute(
        "INSERT INTO replayed_events (id, state, because, booking_id) "
        "SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])",
        [outcome.event_id for outcome in batch_result.processed],
        [outcome.state for outcome in batch_result.processed],
        [outcome.because for outcome in batch_result.processed],
        [outcome.booking_id for outcome in batch_result.processed],
    )
    if batch_result.reprocessed:
        await connection.execute(
            """
            UPDATE replayed_events s SET state = 'applied', because = outcome.because, booking_id = outcome.booking_id
            FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS outcome(id, because, booking_id)
            WHERE s.id = outcome.id AND (s.state, s.because, s.booking_id)
                  IS DISTINCT FROM ('applied', outcome.because, outcome.booking_id)
            """,
            [outcome.event_id for outcome in batch_result.reprocessed],
            [outcome.because for outcome in batch_result.reprocessed],
            [outcome.booking_id for outcome in batch_result.reprocessed],
        )
    await store.remove_names(connection, batch_result.resolved)
    await store.add_names(connection, batch_result.names)
