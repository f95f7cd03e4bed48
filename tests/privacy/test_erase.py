"""RU5: an erased person is nowhere, what follows from their bookings stays, and the log still verifies."""

from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.privacy.erase import Erased, erase_person
from tests.privacy.conftest import (
    EMAIL,
    NOW,
    SEAL,
    TRACES,
    assert_consistent,
    first_booking,
    load,
    next_booking,
    receive,
    totals,
)


async def erase(engine: AsyncEngine, workspace: UUID, email: str = EMAIL) -> Erased:
    return await erase_person(engine, SEAL, workspace, email, actor="key:dpo", at=NOW)


async def traces(engine: AsyncEngine, first: bool = False) -> dict[str, int]:
    """Return in how many rows of each table PostgreSQL has a trace of the person: it walks over the catalogue."""
    found = {}
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        for (table,) in tables:
            columns = await connection.fetch(
                "SELECT attname, atttypid = 'bytea'::regtype AS is_bytes FROM pg_attribute "
                "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
                table,
            )
            texts = [
                f"encode({row['attname']}, 'escape')" if row["is_bytes"] else f"{row['attname']}::text"
                for row in columns
            ]
            count = await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE lower(concat_ws(' ', {', '.join(texts)})) LIKE ANY($1::text[])",  # noqa: S608
                [f"%{one}%" for one in TRACES],
            )
            if count:
                print(
                    table,
                    await connection.fetch(
                        f"SELECT * FROM {table} WHERE lower(concat_ws(' ', {', '.join(texts)})) LIKE ANY($1::text[])",
                        [f"%{one}%" for one in TRACES],
                    ),
                ) if not first else 0
                found[table] = count
    return found


async def test_ru5_an_erased_person_is_in_no_column_of_any_table_and_all_totals_stay(
    engine: AsyncEngine, workspace: UUID, account: UUID, tmp_path: Path
) -> None:
    await load(engine, account, workspace, tmp_path)
    before, known = await totals(engine, workspace), await traces(engine, True)
    assert known.keys() >= {"inbox_events", "people", "leads", "matches", "chat_messages", "delivery_contents"}, known
    erased = await erase(engine, workspace)
    assert (erased.addresses, erased.bookings, erased.leads) == (2, 2, 1)
    assert await traces(engine) == {}
    assert await totals(engine, workspace) == before
    await assert_consistent(engine, workspace)
    # A late copy of an old webhook, and one that nobody had seen yet.
    await receive(engine, account, workspace, [*first_booking(), *next_booking()])
    assert await traces(engine) == {}
    await assert_consistent(engine, workspace)
