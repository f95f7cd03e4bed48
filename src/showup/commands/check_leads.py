"""Checks a file of leads before its import: what is new, what changes, and who of those who booked it would match.

It reads rows, leads and matches as the import does, and writes nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice
from typing import Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import erased_addresses_store
from showup.access.secrets_at_rest import Seal
from showup.campaigns import candidates, imports_store, lead_rows_store, leads_store
from showup.campaigns.imports_store import MAX_REPORTED_ROWS, LeadImport, RejectedLine
from showup.campaigns.lead import Lead, Signals, lead_id
from showup.campaigns.lead_file.rows import FileRow, LeadRow, RejectedRow
from showup.campaigns.lead_names import KnownLead, filled, rename
from showup.commands.import_leads import BATCH_ROWS, ImportRequest, campaign_of
from showup.database.engine import driver_connection
from showup.values.email_address import match_key

MAX_CHECKED_ROWS: Final = 100_000
"""So many rows are compared with the stored leads. The import reads all."""

_FIRST_ROWS: Final = 5

Fate: TypeAlias = Literal["new", "changed", "same"]
OpenRead: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class LeadCheck(Struct, frozen=True, kw_only=True):
    """What an import of the file would do. The counts of rows mean the same as in the report of an import.

    `leads` are the people of the file, by what becomes of them; `matched` those who booked, whose address finds their
    lead. `campaigns` has the rows of each. `is_complete`: all rows were read. `earlier`: the same file with the same
    options was imported already, or in part.
    """

    earlier: LeadImport | None
    accepted: int
    repeated: int
    ignored: int
    rejected: Mapping[str, int]
    rejected_rows: Sequence[RejectedLine]
    leads: Mapping[Fate, int]
    matched: int
    campaigns: Mapping[str, int]
    first_rows: Sequence[LeadRow]
    is_complete: bool


async def check_leads(open_read: OpenRead, request: ImportRequest, *, seal: Seal | None = None) -> LeadCheck:
    """Return what importing the file would do. `open_read` opens a transaction for each batch of rows.

    `seal` recognises people who were erased: their rows are ignored, as the import ignores them.
    """
    counter = _Counter(request, seal)
    rows = request.file.rows()
    async with open_read() as tx:
        earlier = await imports_store.find_import(await driver_connection(tx), request.workspace_id, request.digest)
    left = MAX_CHECKED_ROWS
    while left > 0 and (batch := await _read(rows, min(BATCH_ROWS, left))):
        left -= len(batch)
        async with open_read() as tx:
            await counter.add(await driver_connection(tx), batch)
    is_complete = left > 0 or not await _read(rows, 1)
    return counter.result(earlier, is_complete=is_complete)


async def _read(rows: Iterator[FileRow], count: int) -> list[FileRow]:
    return await asyncio.to_thread(lambda: list(islice(rows, count)))


class _Counter:
    """Counts batches of rows; each lead once, however many rows and campaigns it has."""

    def __init__(self, request: ImportRequest, seal: Seal | None) -> None:
        self._request = request
        self._seal = seal
        self._accepted = self._repeated = self._ignored = 0
        self._rejected: dict[str, int] = {}
        self._rejected_rows: list[RejectedLine] = []
        self._fates: dict[str, Fate] = {}
        self._attendees: set[str] = set()
        self._members: set[tuple[str, str]] = set()
        self._campaigns: dict[str, int] = {}
        self._first_rows: list[LeadRow] = []

    async def add(self, connection: asyncpg.Connection, batch: Sequence[FileRow]) -> None:
        """Count a batch."""
        rows = [row for row in batch if isinstance(row, LeadRow)]
        leads = await self._without_erased(connection, rows)
        rejected = [row for row in batch if isinstance(row, RejectedRow)]
        self._ignored += len(batch) - len(rejected) - len(leads)
        for refused in rejected:
            self._rejected[refused.reason] = self._rejected.get(refused.reason, 0) + 1
            if len(self._rejected_rows) < MAX_REPORTED_ROWS:
                self._rejected_rows.append(RejectedLine(line=refused.line, reason=refused.reason))
        members: dict[tuple[str, str], tuple[Lead, Signals]] = {}
        for row in leads:
            key = (row.lead.email, campaign_of(row, self._request))
            if key in self._members or key in members:
                self._repeated += 1
            else:
                self._accepted += 1
                self._campaigns[key[1]] = self._campaigns.get(key[1], 0) + 1
            if len(self._first_rows) < _FIRST_ROWS:
                self._first_rows.append(row)
            known = members.get(key)
            members[key] = (
                (row.lead, row.signals)
                if known is None
                else (filled(known[0], row.lead), leads_store.grown(known[1], row.signals))
            )
        self._members.update(members)
        await self._compare(connection, members)

    async def _without_erased(self, connection: asyncpg.Connection, rows: list[LeadRow]) -> list[LeadRow]:
        if self._seal is None:
            return rows
        emails = {row.lead.email for row in rows}
        wanted = await erased_addresses_store.without_erased(connection, self._seal, self._request.workspace_id, emails)
        return [row for row in rows if row.lead.email in wanted]

    async def _compare(
        self, connection: asyncpg.Connection, members: Mapping[tuple[str, str], tuple[Lead, Signals]]
    ) -> None:
        workspace_id = self._request.workspace_id
        leads: dict[str, Lead] = {}
        for (email, _), (lead, _) in members.items():
            leads[email] = lead if email not in leads else filled(leads[email], lead)
        ids = {email: lead_id(workspace_id, email) for email in leads}
        known = await lead_rows_store.known_leads(connection, list(ids.values()))
        pairs = [(ids[email], campaign) for email, campaign in members]
        stored = await leads_store.memberships(connection, workspace_id, "csv", pairs)
        for (email, campaign), (_, signals) in members.items():
            earlier = known.get(ids[email])
            fate: Fate = "new" if earlier is None else "changed"
            before = stored.get((ids[email], campaign))
            if earlier is not None and before is not None and leads_store.grown(before, signals) == before:
                fate = "changed" if _is_renamed(earlier, leads[email]) else "same"
            if self._fates.setdefault(email, fate) == "same":
                self._fates[email] = fate
        addresses = {one: None for lead in leads.values() for one in (lead.email, *lead.other_emails)}
        keys = {match_key(one) for one in addresses}
        self._attendees |= await candidates.attendees_to_match(connection, workspace_id, keys, list(leads))

    def result(self, earlier: LeadImport | None, *, is_complete: bool) -> LeadCheck:
        """Return the counts."""
        fates = [*self._fates.values()]
        return LeadCheck(
            earlier=earlier,
            accepted=self._accepted,
            repeated=self._repeated,
            ignored=self._ignored,
            rejected=self._rejected,
            rejected_rows=self._rejected_rows,
            leads={fate: fates.count(fate) for fate in ("new", "changed", "same")},
            matched=len(self._attendees),
            campaigns=self._campaigns,
            first_rows=self._first_rows,
            is_complete=is_complete,
        )


# No import has it, so that the file counts as the newest.
_OF_NO_IMPORT: Final = UUID(int=0)


def _is_renamed(known: KnownLead, newer: Lead) -> bool:
    return rename(known, newer, _OF_NO_IMPORT, is_source=False).lead != known.lead
