"""The life of a parent: children begin to load while the database opens; it closes when they are gone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from showup import logs
from showup.clock import happened
from showup.commands.family import Child, Family
from showup.commands.refusal import Refused
from showup.database.embedded.errors import EmbeddedError
from showup.database.embedded.server import EmbeddedPostgres
from showup.settings import Settings

if TYPE_CHECKING:
    from showup.assembly import Ground

_LOOKS_EVERY = 1.0

Greet = Callable[["Ground", bool], None]
"""Told the ground, and whether the default account has a webhook secret, when everything runs."""

_log = structlog.get_logger()


def run(settings: Settings, children: Sequence[Child], greet: Greet, *, adopting: bool) -> None:
    """Until Ctrl-C or SIGTERM; then everything ends. Raises an EmbeddedError or DatabaseAway.

    `adopting`: whether this process's showup.toml makes the rules. Those who only work, perhaps on a machine without
    that file, take the rules as they find them.
    """
    logs.configure(settings.log_level, settings.log_format)
    refuse_unusable_mail(settings)
    asyncio.run(_live(settings, children, greet, adopting=adopting))


def refuse_unusable_mail(settings: Settings) -> None:
    """Raises Refused for settings with which no mail could ever be sent, or a destination never be told."""
    from showup.adopting import given_connections
    from showup.assembly import check_mail
    from showup.deliveries.given import check

    try:
        check_mail(settings)
        for one in given_connections(settings):
            check(one)
    except ValueError as fault:
        raise Refused(f"{fault}.") from None


async def _live(settings: Settings, children: Sequence[Child], greet: Greet, *, adopting: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    family = Family(children)
    living = asyncio.create_task(family.live(stop))
    try:
        await _on_the_ground(settings, family, stop, greet, adopting=adopting)
    finally:
        stop.set()
        await living


async def _on_the_ground(
    settings: Settings, family: Family, stop: asyncio.Event, greet: Greet, *, adopting: bool
) -> None:
    # Heavy, and wanted only now that the children load beside us.
    from showup.adopting import adopt_connections, adopt_policy
    from showup.assembly import house, prepare

    async with _opened(settings) as (ground, server):
        await prepare(ground)
        if adopting:
            await adopt_policy(ground, settings)
            await adopt_connections(ground, settings)
        family.stand_on(ground)
        async with house(settings, ground) as built:
            # Read in its own time: a database that is far or busy is none that is away.
            await built.directory.refresh()
            account = await built.directory.find(None)
        looking = asyncio.create_task(_look_after(server, stop))
        if await family.ready(stop):
            greet(ground, account is not None and bool(account.secrets))
        await stop.wait()
        await asyncio.gather(family.gone.wait(), looking)


@asynccontextmanager
async def _opened(settings: Settings) -> "AsyncIterator[tuple[Ground, EmbeddedPostgres | None]]":
    from showup.assembly import opened

    opening = opened(settings)
    ground = await asyncio.to_thread(opening.__enter__)
    try:
        yield ground
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


async def _look_after(server: EmbeddedPostgres | None, stop: asyncio.Event) -> None:
    while server is not None and not await happened(stop, _LOOKS_EVERY):
        try:
            if await asyncio.to_thread(server.ensure):
                _log.warning("database_started_again")
        except EmbeddedError as fault:
            _log.error("database_down", because=str(fault))
