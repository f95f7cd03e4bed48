"""One Showup process of a test: opens a data folder, then executes the command in each line of stdin.

    python embedded_process.py <uid or -> <folder>

It switches to the account after its imports, because that account may have no access to their files.
"""

import asyncio
import getpass  # noqa: F401  asyncpg imports it while connecting, when this account may no longer read it
import os
import sys
from pathlib import Path

import asyncpg

from showup.database.embedded.errors import EmbeddedError
from showup.database.embedded.server import EmbeddedPostgres


def print_line(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def commit_endlessly(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE confirmed (number integer PRIMARY KEY)")
    number = 0
    while True:
        number += 1
        await connection.execute("INSERT INTO confirmed VALUES ($1)", number)
        print_line(number)


def execute(postgres: EmbeddedPostgres, command: str, argument: str) -> object:
    match command:
        case "open":
            return postgres.open()
        case "ensure":
            return postgres.ensure()
        case "close":
            postgres.close()
            return "closed"
        case "commit":
            return asyncio.run(commit_endlessly(postgres.dsn))
        case "fetch":
            return asyncio.run(fetch(postgres.dsn, argument))
        case "connect":
            return asyncio.run(fetch(argument, "SELECT current_user"))
        case _:
            raise ValueError(command)


def main(uid: str, folder: str) -> None:
    if uid != "-":
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    postgres = EmbeddedPostgres(Path(folder), run_as=os.environ.get("RUN_AS"))
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            print_line(execute(postgres, command, argument))
        except (EmbeddedError, asyncpg.PostgresError, OSError) as error:
            print_line(f"{type(error).__name__}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
