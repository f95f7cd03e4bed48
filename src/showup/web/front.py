"""`/`: that Showup runs, for somebody who has no key. Numbers of events only; nothing about anybody."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from showup.database.fault import MAY_MEAN_AWAY
from showup.reads.standing import COUNTED_AT_MOST, Standing, standing
from showup.web.ground import Ground, OnGround
from showup.web.page import page
from showup.web.probes import ANSWERED_WITHIN

router = APIRouter(include_in_schema=False)

_UP = """
<h1>Showup is running</h1>
<p class="soft">Bookings that arrive from Cal.com are kept here and become deals.</p>
<dl class="figures">
<div><dt>Database</dt><dd>up</dd></div>
<div><dt>Webhooks kept</dt><dd>{events}</dd></div>
<div><dt>Waiting to be applied</dt><dd>{unsettled}</dd></div>
</dl>
<p>To see what stands, ask the <a href="docs">API</a>. A key comes from
<code>showup keys create NAME --scope read</code>.</p>
"""
_DOWN = """
<h1>Showup is running, its database is not</h1>
<p class="bad">PostgreSQL does not answer. Until it does, webhooks are turned away, and Cal.com repeats them.</p>
<p>On the server, <code>showup doctor</code> says what is wrong.</p>
"""


@router.get("/", response_class=HTMLResponse)
async def front(ground: OnGround) -> HTMLResponse:
    """Draw the front page."""
    found = await _standing(ground)
    if found is None:
        return page("Showup", _DOWN)
    return page("Showup", _UP.format(events=_number(found.events), unsettled=_number(found.unsettled)))


async def _standing(ground: Ground) -> Standing | None:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN), ground.reading.connect() as tx:
            return await standing(tx)
    except MAY_MEAN_AWAY:
        return None


def _number(count: int) -> str:
    return f"{count:,}+" if count >= COUNTED_AT_MOST else f"{count:,}"
