"""A workspace that receives bookings, files of leads and commands, in the order that a test chooses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.campaigns.imports_store import LeadImport
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.commands.execute import CommandResult
from showup.commands.import_leads import ImportRequest, import_leads
from showup.database.engine import driver_connection, transaction
from showup.events.manual import ManualEvent
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from tests.execute import execute
from tests.histories.webhooks import MONDAY, body, payload

START = datetime(2026, 9, 20, 12, tzinfo=UTC)


class CampaignScenario:
    """One workspace with one Cal.com account; each step takes a minute, whatever the times in its content."""

    def __init__(self, engine: AsyncEngine, account: IncomingEvent, folder: Path) -> None:
        assert account.workspace_id is not None
        self.engine, self.account, self.workspace, self.folder = engine, account, account.workspace_id, folder
        self.now = MONDAY + timedelta(days=7)

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    async def book(
        self, uid: str, *emails: str, at: datetime = MONDAY, trigger: str = "BOOKING_CREATED", **fields: Any
    ) -> None:
        number = int.from_bytes(uid.encode()[-3:])
        content = body(trigger, at, payload(uid, number, START, list(emails), **fields))
        incoming = IncomingEvent(
            account_id=self.account.account_id, workspace_id=self.workspace, body=content, received_at=self.clock()
        )
        async with transaction(self.engine) as tx:
            await store.insert_events(await driver_connection(tx), [incoming])
        await apply_pending(self.engine, self.workspace, self.clock, {})

    async def import_file(
        self, path: Path, campaign: str, columns: Mapping[str, str] | None = None, **options: Any
    ) -> LeadImport:
        file = open_lead_file(path, ReadingOptions(columns=columns or {}))
        request = ImportRequest(
            workspace_id=self.workspace, file=file, file_name=path.name, campaign=campaign, actor="key:ops"
        )
        return await import_leads(self.engine, request, self.clock, **options)

    async def import_rows(self, campaign: str, rows: Sequence[Mapping[str, object]]) -> LeadImport:
        """Imports leads, each given by the cells of its columns."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        lines = [",".join(names), *(",".join(f'"{row.get(name, "")}"' for name in names) for row in rows)]
        path = self.folder / f"{campaign}.csv"
        path.write_text("\n".join(lines))
        return await self.import_file(path, campaign)

    async def execute(self, event: ManualEvent) -> CommandResult:
        return await execute(self.engine, self.workspace, event, at=self.clock())

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with transaction(self.engine) as tx:
            return [tuple(row) for row in await (await driver_connection(tx)).fetch(query, self.workspace)]

    async def matches(self) -> list[tuple[Any, ...]]:
        """Returns every current match, with names in place of ids."""
        return await self.rows(
            """
            SELECT b.calcom_uid, m.attendee, m.lead_email, c.name, m.method, m.score, m.evidence::text
            FROM matches m JOIN bookings b ON b.id = m.booking_id
            JOIN campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id
            WHERE m.workspace_id = $1 AND m.state = 'matched' ORDER BY 1, 2, 3
            """
        )

    async def pairs(self) -> list[tuple[str, str, str, str]]:
        """Returns every current match: attendee, lead, campaign, method."""
        return [row[1:5] for row in await self.matches()]  # type: ignore[misc]

    async def match_ids(self) -> list[UUID]:
        return [row[0] for row in await self.rows("SELECT id FROM matches WHERE workspace_id = $1 ORDER BY attendee")]

    async def rebuild_differences(self) -> list[str]:
        result = await rebuild(self.engine, RebuildOptions(workspace_ids=[self.workspace]))
        return [str(one) for one in result.examples] or [str(one) for one in result.counts if one.differing]
