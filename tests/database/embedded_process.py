"""One Showup process of a test: opens a data folder, then does what each line it hears says.

    python embedded_process.py <uid or -> <folder>

It changes to the account only after its imports, for that account may not be able to read their files.
"""

import asyncio
import getpass  # noqa: F401  asyncpg loads it as it connects, when this account may not read it any more
import os
import sys
from pathlib import Path

import asyncpg

from showup.database.embedded.errors import EmbeddedError
from showup.database.embedded.server import EmbeddedPostgres


def say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def commit_for_ever(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE confirmed (number integer PRIMARY KEY)")
    number = 0
    while True:
        number += 1
        await connection.execute("INSERT INTO confirmed VALUES ($1)", number)
        say(number)


def obey(postgres: EmbeddedPostgres, order: str, rest: str) -> object:
    match order:
        case "open":
            return postgres.open()
        case "ensure":
            return postgres.ensure()
        case "close":
            postgres.close()
            return "closed"
        case "commit":
            return asyncio.run(commit_for_ever(postgres.dsn))
        case "fetch":
            return asyncio.run(fetch(postgres.dsn, rest))
        case "connect":
            return asyncio.run(fetch(rest, "SELECT current_user"))
        case _:
            raise ValueError(order)


def main(uid: str, folder: str) -> None:
    if uid != "-":
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    postgres = EmbeddedPostgres(Path(folder), run_as=os.environ.get("RUN_AS"))
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        try:
            say(obey(postgres, order, rest))
        except (EmbeddedError, asyncpg.PostgresError, OSError) as error:
            say(f"{type(error).__name__}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
