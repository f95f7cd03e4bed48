"""Writes the backup of a release, from which tests upgrade later: `python -m tests.database.release_backup v0.1.0`.

The database has a month of a generated team, some 300 bookings, and rows in every table. All contents follow from a
seed; only some ids and times differ between two runs. A backup has PostgreSQL's custom dump, which every later
PostgreSQL restores.
"""

import asyncio
import json
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import CheckConstraint, Column, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import accounts_store
from showup.access.account import Credentials, WebhookSecret
from showup.backup.create import BackupPlan, read_manifest
from showup.database.address import SCHEMA
from showup.database.embedded.binaries import installed
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect, driver_connection, transaction
from showup.database.migrate import upgrade
from showup.database.tables import metadata
from showup.deals.deal import DealChange
from showup.events.deal import DealChanged
from showup.events.proposal import ProposalSaved
from showup.events.workspace import Merged, RulesChanged
from showup.inbox.rebuild.shadow import REPLAYED_TABLES
from showup.proposals.proposal import LineItem, ProposalContent
from showup.simulation.render import render
from showup.simulation.world import make_world
from tests.execute import execute
from tests.privacy.conftest import EMAIL, NOW, SEAL, TAGGED, load, receive
from tests.web.sample_data import SampleData, add_teammates, add_workspaces_and_keys, id_of

FOLDER = Path(__file__).parent / "backups"
WORKSPACE, ACCOUNT = id_of("ours"), id_of("ours.account")
SECRET = "the secret of the webhooks"
_WEBHOOKS = 360
_SEED = 11


async def fill(engine: AsyncEngine) -> None:
    """Fills every table of a migrated database."""
    data = SampleData()
    add_workspaces_and_keys(data)
    add_teammates(data)
    await data.insert_into(engine)
    async with transaction(engine) as tx:
        credentials = Credentials(webhook_secrets=(WebhookSecret(SECRET),))
        await accounts_store.add(tx, SEAL, name="sealed", workspace_id=WORKSPACE, credentials=credentials)
    world = make_world(_SEED, NOW, _WEBHOOKS)
    await receive(engine, ACCOUNT, WORKSPACE, [render(one) for one in world.webhooks])
    with tempfile.TemporaryDirectory() as folder:
        await load(engine, ACCOUNT, WORKSPACE, Path(folder))
    await _command(engine)
    async with transaction(engine) as tx:
        for table in metadata.sorted_tables:
            if table.name not in REPLAYED_TABLES and not await tx.scalar(select(table.select().exists())):
                await _add_row(tx, table)


async def _command(engine: AsyncEngine) -> None:
    """Fills the tables that follow from people's commands."""
    line = LineItem(description="Seats", quantity=Decimal(3), unit_price=Decimal("19.90"))
    content = ProposalContent(title="Offer", scope="", items=(line,), currency="EUR")
    await execute(
        engine,
        WORKSPACE,
        RulesChanged(changes={"ask_for_outcome": False}, since=None),
        Merged(kind="people", gone=TAGGED, stays=EMAIL),
        DealChanged(subject="uid:zeph-1", change=DealChange(status="won")),
        ProposalSaved(subject="uid:zeph-1", proposal=id_of("proposal"), number=1, content=content, is_ready=False),
        at=NOW,
    )


async def _add_row(tx: AsyncConnection, table: Table) -> None:
    """Adds a row to a table that no event fills, with a value in each column that needs one."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            referred = next(iter(column.foreign_keys)).column
            is_workspace = referred.table.name == "workspaces"
            row[column.name] = WORKSPACE if is_workspace else await tx.scalar(select(referred).limit(1))
        elif not column.nullable and column.server_default is None:
            row[column.name] = _value(table, column)
    await tx.execute(insert(table).values(row))


def _value(table: Table, column: Column[Any]) -> object:
    """Returns a value that the column's type and its list of allowed words permit."""
    for constraint in (*table.constraints, *column.constraints):
        text = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
        if allowed := re.search(rf"\b{column.name} (?:IN \(|= )'(\w+)'", text):
            return allowed[1]
    by_type: dict[type, object] = {
        UUID: id_of(f"{table.name}.{column.name}"),
        datetime: NOW,
        date: NOW.date(),
        bytes: column.name.encode(),
        dict: {},
        list: [],
        bool: False,
        int: 1,
        float: 1.0,
        Decimal: Decimal(1),
    }
    return by_type.get(column.type.python_type, f"a {column.name}")


async def counts(engine: AsyncEngine) -> dict[str, int]:
    """Returns how many rows each table has."""
    async with transaction(engine) as tx:
        driver = await driver_connection(tx)
        query = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'showup' AND tablename <> 'alembic_version' ORDER BY 1"
        )
        return {
            name: await driver.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608  # from PostgreSQL's catalogue
            for (name,) in await driver.fetch(query)
        }


async def _write(url: str, path: Path) -> None:
    await upgrade(url)
    engine = connect(url)
    try:
        await fill(engine)
        rows = await counts(engine)
        plan = BackupPlan(url=url, key=None, passphrase=None, version=path.stem.removeprefix("v"))
        manifest = await read_manifest(engine, plan, NOW)
    finally:
        await engine.dispose()
    path.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("manifest.json", msgspec.json.encode(manifest))
        archive.writestr("database.dump", _dump(url))


def _dump(url: str) -> bytes:
    """Returns what `showup backup` writes, but not compressed: LZMA makes a fourth of it, and git keeps it for ever."""
    arguments = ("--format=custom", "--compress=0", f"--schema={SCHEMA}", "--no-owner", "--no-privileges")
    command = (installed() / "pg_dump", *arguments, f"--dbname={url}")
    return subprocess.run(command, check=True, capture_output=True).stdout


def main() -> None:
    """Writes the file that the command line names."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    path = FOLDER / f"{sys.argv[1]}.backup"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "data") as server:
            path.unlink(missing_ok=True)
            asyncio.run(_write(server.dsn, path))


if __name__ == "__main__":
    main()
