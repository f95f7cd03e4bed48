"""Reads of the day and of numbers: today's meetings, the funnel, rates with their intervals, what needs attention."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from showup.assistant.tool import Arguments, NoArguments, Tool
from showup.assistant.tool_context import ToolContext, ToolFailed
from showup.reads import today as today_reads
from showup.reads.agenda import list_meetings
from showup.reads.attention import AttentionFilter, list_attention
from showup.reads.funnel import TooManyGroups
from showup.reads.funnel_answer import FunnelRequest, describe_funnel
from showup.reads.funnel_filter import Basis, FunnelFilter
from showup.reads.keyset import PageRequest
from showup.reads.rates import Rate
from showup.reads.rows import Item

_MAX_GROUPS: Final = 30
_MEETING_FIELDS: Final = (
    *("id", "start_time", "end_time", "status", "title", "person", "company", "stage", "time_zone", "notes"),
    *("organizer_email", "confirmed_at", "reschedule_count"),
)


class FunnelArguments(Arguments):
    """The period and the groups of a funnel."""

    date_from: Annotated[date | None, Field(description="First day (YYYY-MM-DD)")] = None
    date_to: Annotated[date | None, Field(description="Last day (YYYY-MM-DD), included")] = None
    basis: Annotated[
        Basis,
        Field(description="activity: each step by its own date; cohort: all steps by the lead's first mail"),
    ] = "activity"
    group_by: Annotated[
        Literal["campaign", "source", "organizer", "sender"] | None, Field(description="One row for each of these")
    ] = None


class AttentionArguments(Arguments):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=50, description="The most items to return")] = 20


async def today(context: ToolContext, _arguments: NoArguments) -> Item:
    """Return the meetings of today in the caller's time zone, and the held rate of the last 30 days."""
    zone, permission = context.caller.zone, context.caller.reading
    midnight = datetime.combine(context.now.astimezone(zone).date(), time.min, zone)
    async with context.services.read() as tx:
        meetings = await list_meetings(
            tx, permission, starts_from=midnight, starts_before=midnight + timedelta(days=1), organizer=None
        )
        held = await today_reads.held_rate(tx, permission, organizer=None, now=context.now)
    return {
        "time_zone": zone.key,
        "now": context.now.astimezone(zone),
        "meetings": [
            {name: getattr(one, name) for name in _MEETING_FIELDS} | {"state": one.state(context.now)}
            for one in meetings
        ],
        "held_rate": None if held.rate is None else _rate(held.rate),
        "unreported": held.unreported,
        "note": "held_rate counts meetings of the last 30 days: reported showed / (reported showed + no-show).",
    }


async def funnel(context: ToolContext, arguments: FunnelArguments) -> Item:
    """Return the funnel from mails to shows and deals, with the held rate's Wilson interval and its bounds."""
    zone = context.caller.zone
    last = None if arguments.date_to is None else arguments.date_to + timedelta(days=1)
    wanted = FunnelFilter(
        workspace_id=context.caller.workspace.id,
        since=None if arguments.date_from is None else datetime.combine(arguments.date_from, time.min, zone),
        until=None if last is None else datetime.combine(last, time.min, zone),
        basis=arguments.basis,
    )
    dimensions = [] if arguments.group_by is None else [arguments.group_by]
    request = FunnelRequest(wanted=wanted, dimensions=dimensions, limit=_MAX_GROUPS)
    try:
        async with context.services.read() as tx:
            found = await describe_funnel(tx, request, context.now)
    except TooManyGroups:
        raise ToolFailed("There are too many groups. Leave out group_by, or ask for a shorter period.") from None
    health = {name: {"available": found[name].available} for name in ("calcom", "emailbison")}
    return {**{name: value for name, value in found.items() if name not in ("undated", *health)}, **health}


async def needs_attention(context: ToolContext, arguments: AttentionArguments) -> Item:
    """Return what needs a person, latest first, and why."""
    async with context.services.read() as tx:
        page = await list_attention(
            tx,
            context.caller.reading,
            AttentionFilter(),
            PageRequest(sort="-at", limit=arguments.limit),
            context.now,
        )
    return {"items": page.items, "has_more": page.next_cursor is not None}


def _rate(rate: Rate) -> Item:
    return {
        "percent": round(rate.value, 1),
        "showed": rate.part,
        "reported": rate.total,
        "low_percent": round(rate.low, 1),
        "high_percent": round(rate.high, 1),
        "is_few": rate.is_few,
    }


TOOLS: Final = (
    Tool(
        name="today",
        title="Today",
        description="Today's meetings, in the user's time zone, and the held rate of the last 30 days.",
        arguments=NoArguments,
        run=today,
    ),
    Tool(
        name="funnel",
        title="Funnel and held rate",
        description=(
            "Count mails, replies, bookings, shows and won deals of a period, with rates. held_rate has a Wilson 95 %"
            " interval: say it, and say when there is too little data."
        ),
        arguments=FunnelArguments,
        run=funnel,
    ),
    Tool(
        name="needs_attention",
        title="What needs attention",
        description="List what needs a person (conflicts, questions, failures, missing outcomes), and why.",
        arguments=AttentionArguments,
        run=needs_attention,
    ),
)
