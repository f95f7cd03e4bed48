"""`/`: a public status page without a key. It shows numbers of events and no personal data."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from showup.database.fault import POSSIBLE_OUTAGES
from showup.reads.inbox_counts import MAX_COUNT, InboxCounts, count_events
from showup.web.http.app_state import AppState, State
from showup.web.page import render_page
from showup.web.probes import PROBE_TIMEOUT

router = APIRouter(include_in_schema=False)

_UP_PAGE = """
<h1>Showup is running</h1>
<p class="soft">Showup stores bookings from Cal.com and turns them into deals.</p>
<dl class="figures">
<div><dt>Database</dt><dd>up</dd></div>
<div><dt>Webhooks stored</dt><dd>{events}</dd></div>
<div><dt>Waiting to be processed</dt><dd>{unprocessed}</dd></div>
</dl>
<p>Use the <a href="docs">API</a> to view your data. To create a key, run
<code>showup keys create NAME --scope read</code>.</p>
"""
_DOWN_PAGE = """
<h1>Showup is running, but its database is unreachable</h1>
<p class="bad">PostgreSQL does not respond. Until it does, Showup refuses webhooks, and Cal.com sends them again.</p>
<p>To find the cause, run <code>showup doctor</code> on the server.</p>
"""


@router.get("/", response_class=HTMLResponse)
async def home_page(state: State) -> HTMLResponse:
    """Show the home page."""
    counts = await _read_counts(state)
    if counts is None:
        return render_page("Showup", _DOWN_PAGE)
    return render_page(
        "Showup", _UP_PAGE.format(events=_format_count(counts.events), unprocessed=_format_count(counts.unprocessed))
    )


async def _read_counts(state: AppState) -> InboxCounts | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT), state.read_engine.connect() as tx:
            return await count_events(tx)
    except POSSIBLE_OUTAGES:
        return None


def _format_count(count: int) -> str:
    return f"{count:,}+" if count >= MAX_COUNT else f"{count:,}"
