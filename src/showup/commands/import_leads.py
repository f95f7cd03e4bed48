"""Imports a file of leads: batch by batch, each in one transaction with its position, so that it can be continued.

A batch also matches its leads to the attendees of bookings that came before.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import erased_addresses_store
from showup.access.secrets_at_rest import Seal
from showup.campaigns import imports_store, leads_store
from showup.campaigns.campaign import MAX_NAME
from showup.campaigns.imports_store import BatchReport, LeadImport, RejectedLine
from showup.campaigns.lead_file.file import LeadFile
from showup.campaigns.lead_file.rows import FileRow, IgnoredRow, LeadRow, RejectedRow
from showup.campaigns.leads_store import ImportedLead
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.inbox.imported_leads import match_imported

BATCH_ROWS: Final = 5_000


class ImportRequest(Struct, frozen=True, kw_only=True):
    """What to import, and for whom. `campaign` is that of rows whose own column names none."""

    workspace_id: UUID
    file: LeadFile
    file_name: str
    campaign: str
    actor: str

    @property
    def digest(self) -> bytes:
        """Return what identifies the import: the file's bytes, how they are read, and the campaign."""
        file = self.file
        parts = (file.digest, file.encoding, file.layout.separator, file.mapping.named(), self.campaign)
        return hashlib.sha256(msgspec.json.encode(parts)).digest()


async def import_leads(
    engine: AsyncEngine,
    request: ImportRequest,
    clock: Clock,
    on_progress: Callable[[LeadImport], None] = lambda _: None,
    *,
    seal: Seal | None = None,
    batch_rows: int = BATCH_ROWS,
) -> LeadImport:
    """Imports the file, or what is missing of it; returns the report. An import that is done changes nothing.

    `seal` recognises people who were erased: their rows are ignored. `on_progress` gets the import after each batch.
    Raises ImportTaken.
    """
    progress = await _open(engine, request, clock())
    if progress.state == "done":
        return progress
    rows = request.file.rows(progress.position)
    batch = await _read(rows, batch_rows)
    while batch:
        # The next batch is read while PostgreSQL saves this one.
        reading = asyncio.ensure_future(_read(rows, batch_rows))
        try:
            progress = await _save(engine, request, progress, batch, clock(), seal)
        finally:
            next_batch = await reading
        batch = next_batch
        on_progress(progress)
    async with transaction(engine) as tx:
        return await imports_store.finish(await driver_connection(tx), progress.id, clock())


async def _open(engine: AsyncEngine, request: ImportRequest, now: datetime) -> LeadImport:
    async with transaction(engine) as tx:
        return await imports_store.open_import(
            await driver_connection(tx),
            request.workspace_id,
            digest=request.digest,
            file_name=request.file_name,
            campaign=request.campaign,
            actor=request.actor,
            now=now,
        )


async def _read(rows: Iterator[FileRow], count: int) -> list[FileRow]:
    return await asyncio.to_thread(lambda: list(islice(rows, count)))


async def _save(
    engine: AsyncEngine,
    request: ImportRequest,
    progress: LeadImport,
    batch: list[FileRow],
    now: datetime,
    seal: Seal | None,
) -> LeadImport:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await leads_store.lock_leads(connection, request.workspace_id)
        rows = [row for row in batch if isinstance(row, LeadRow)]
        leads = rows if seal is None else await _without_erased(connection, request, rows, seal)
        report = BatchReport(
            accepted=len(leads),
            ignored=sum(isinstance(row, IgnoredRow) for row in batch) + len(rows) - len(leads),
            rejected=[RejectedLine(line=row.line, reason=row.reason) for row in batch if isinstance(row, RejectedRow)],
        )
        names = {campaign_of(row, request) for row in leads}
        campaign_ids = await leads_store.save_campaigns(connection, request.workspace_id, "csv", names, now)
        imported = [
            ImportedLead(
                lead=row.lead, signals=row.signals, campaign_id=campaign_ids[campaign_of(row, request)], line=row.line
            )
            for row in leads
        ]
        saved = await leads_store.save_leads(connection, request.workspace_id, imported, progress.id, now)
        report.repeated = list(saved.repeated)
        report.accepted -= len(report.repeated)
        after = await imports_store.add_batch(connection, progress, batch[-1].end, report)
        await match_imported(connection, request.workspace_id, saved, now)
        return after


async def _without_erased(
    connection: asyncpg.Connection, request: ImportRequest, rows: list[LeadRow], seal: Seal
) -> list[LeadRow]:
    emails = {row.lead.email for row in rows}
    wanted = await erased_addresses_store.without_erased(connection, seal, request.workspace_id, emails)
    return [row for row in rows if row.lead.email in wanted]


def campaign_of(row: LeadRow, request: ImportRequest) -> str:
    """Return the name of a row's campaign."""
    return (row.campaign or request.campaign)[:MAX_NAME]
