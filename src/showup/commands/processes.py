"""What each kind of child does until it is told to stop: it answers, applies, or tells the outside."""

import asyncio
import gc
import signal
import sys
from typing import Final, NoReturn

import msgspec
import structlog
import uvloop

from showup import logs
from showup.assembly import Ground, House, deliverer, house
from showup.commands.parent import Parent, say_ready
from showup.commands.refusal import sentence_of
from showup.settings import Settings, load

_MADE_BEFORE_COLLECTED: Final = 50_000

_log = structlog.get_logger()


def spare_the_collector() -> None:
    """Has this process look for rings of dead objects seldom.

    A batch of news and a burst of mails make tens of thousands of objects, in no rings, that die by themselves: to look
    through all that lives at every 700 new ones took a sixth of the applier's time, and a tenth of the courier's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE_BEFORE_COLLECTED, 20, 20)


async def work(built: House, stop: asyncio.Event) -> None:
    """Apply what is kept until `stop`."""
    spare_the_collector()
    say_ready()
    await built.applier.run(stop)


async def deliver(built: House, ground: Ground, stop: asyncio.Event) -> None:
    """Tell the outside what is due, until `stop`."""
    async with deliverer(built, ground) as worker:
        spare_the_collector()
        say_ready()
        await worker.run(stop)


async def _run(settings: Settings, ground: Ground, kind: str, parent: Parent) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    parent.when_gone(lambda: loop.call_soon_threadsafe(stop.set))
    async with house(settings, ground, direct=kind != "web") as built:
        if parent.listening is not None:
            # Those who only work have no use for a web server.
            from showup.commands.serving import web

            await web(built, parent.listening, stop)
        elif kind == "deliver":
            await deliver(built, ground, stop)
        else:
            await work(built, stop)


def run(kind: str, parent: Parent) -> NoReturn:
    """One child of a kind, from its first line to its end."""
    ground = msgspec.json.decode(parent.line(), type=Ground)
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    try:
        uvloop.run(_run(settings, ground, kind, parent))
    except Exception as fault:
        if (sentence := sentence_of(fault)) is None:
            raise
        _log.error("process_ends", because=sentence)
        sys.exit(1)
    sys.exit(0)
