"""Cal.com's three tools of seed 004: event types, free slots, and booking links (AS1)."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, WithJsonSchema

from showup.assistant.calcom_accounts import OpenAccount, open_accounts
from showup.assistant.tool import Arguments, NoArguments, Tool
from showup.assistant.tool_context import ToolContext, ToolFailed
from showup.reads.rows import Item
from showup.sources.calcom.api_values import CalcomEventType, FreeSlot
from showup.sources.calcom.web_address import web_address

_MAX_DAYS: Final = 62
_MAX_SLOTS: Final = 200
_MAX_TYPES: Final = 100
_HOSTED: Final = {"https://app.cal.com": "https://cal.com", "https://app.cal.eu": "https://cal.eu"}


def _text(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description})


class AvailabilityArguments(Arguments):
    """The event type, and the first and the last day, which is included."""

    event_type_id: Annotated[
        int,
        Field(ge=1, lt=2**53),
        WithJsonSchema({"type": "number", "description": "The event type ID to check availability for"}),
    ]
    date_from: Annotated[date, _text("Start date (YYYY-MM-DD)")]
    date_to: Annotated[date, _text("End date (YYYY-MM-DD)")]


class BookingLinkArguments(Arguments):
    """The event type."""

    event_type_slug: Annotated[
        str, Field(min_length=1, max_length=200), _text('The event type slug (e.g., "30min", "intro-call")')
    ]


async def get_event_types(context: ToolContext, _arguments: NoArguments) -> Item:
    """Return the event types of all Cal.com accounts of the caller, each with its booking link."""
    async with open_accounts(context) as accounts:
        found = [(account, one) for account in accounts for one in await account.client.event_types()]
        names = {account.profile.name: await _username(account) for account in accounts}
    items = [_event_type(context, account, one, names[account.profile.name]) for account, one in found]
    return {"event_types": items[:_MAX_TYPES], "omitted": max(len(items) - _MAX_TYPES, 0)}


async def check_availability(context: ToolContext, arguments: AvailabilityArguments) -> Item:
    """Return the free slots from the first to the last day, in the time zone of the caller."""
    first, last = arguments.date_from, arguments.date_to
    if last < first:
        raise ToolFailed("date_to is before date_from. Exchange the two.")
    if last - first > timedelta(days=_MAX_DAYS):
        raise ToolFailed(f"The range is longer than {_MAX_DAYS} days. Ask for a shorter one.")
    zone = context.caller.zone
    async with open_accounts(context) as accounts:
        account = await _account_of(accounts, arguments.event_type_id)
        slots = await account.client.slots(
            start=datetime.combine(first, time.min, zone),
            end=datetime.combine(last + timedelta(days=1), time.min, zone),
            event_type_id=arguments.event_type_id,
            time_zone=zone.key,
        )
    starts = sorted((one for day in slots.values() for one in day), key=lambda one: one.start)
    within = [one for one in starts if first <= one.start.astimezone(zone).date() <= last]
    return {
        "time_zone": zone.key,
        "now": context.now.astimezone(zone),
        "slots": [_slot(one, zone) for one in within[:_MAX_SLOTS]],
        "count": len(within),
        "note": f"These are the free slots of the event type, in {zone.key}. Days without a slot are not listed.",
    }


async def get_booking_link(context: ToolContext, arguments: BookingLinkArguments) -> Item:
    """Return the public booking link of the event type with this slug. Raises ToolFailed if there is none."""
    return {"url": await booking_link(context, arguments.event_type_slug), "slug": arguments.event_type_slug}


async def booking_link(context: ToolContext, slug: str) -> str:
    """Return the public booking link of one of the caller's event types. Raises ToolFailed if there is none."""
    async with open_accounts(context) as accounts:
        for account in accounts:
            event_type = next((one for one in await account.client.event_types() if one.slug == slug), None)
            if event_type is not None:
                return _link(context, account, event_type, await _username(account))
    raise ToolFailed("None of your event types has this slug. Call cal_get_event_types for their slugs.")


async def _account_of(accounts: Iterable[OpenAccount], event_type_id: int) -> OpenAccount:
    for account in accounts:
        if any(one.id == event_type_id for one in await account.client.event_types()):
            return account
    raise ToolFailed("None of your event types has this id. Call cal_get_event_types for their ids.")


async def _username(account: OpenAccount) -> str | None:
    return account.profile.credentials.calcom_username or (await account.client.me()).username


def _event_type(context: ToolContext, account: OpenAccount, one: CalcomEventType, username: str | None) -> Item:
    return {
        "id": one.id,
        "slug": one.slug,
        "title": one.title,
        "minutes": one.duration,
        "choices_of_minutes": list(one.durations),
        "hidden": one.hidden,
        "url": _link(context, account, one, username),
        "account": account.profile.name,
    }


def _link(context: ToolContext, account: OpenAccount, one: CalcomEventType, username: str | None) -> str:
    """Return the link: with the profile's username, else as Cal.com says, else with the account's own username."""
    if one.booking_url is not None and account.profile.credentials.calcom_username is None:
        return one.booking_url
    pages = web_address(context.services.calcom_url)
    if username is None or pages is None:
        raise ToolFailed("The account at Cal.com has no username, so it has no booking links. Choose one there.")
    return f"{_HOSTED.get(pages, pages)}/{quote(username)}/{quote(one.slug, safe='')}"


def _slot(slot: FreeSlot, zone: ZoneInfo) -> dict[str, Any]:
    start = slot.start.astimezone(zone)
    end = None if slot.end is None else slot.end.astimezone(zone)
    return {"date": start.date(), "weekday": f"{start:%A}", "start": start, "end": end}


TOOLS: Final = (
    Tool(
        name="cal_get_event_types",
        title="Event types at Cal.com",
        description="Get all Cal.com event types (booking links) for the user",
        arguments=NoArguments,
        run=get_event_types,
        is_remote=True,
    ),
    Tool(
        name="cal_check_availability",
        title="Free slots at Cal.com",
        description="Check availability for a specific date range",
        arguments=AvailabilityArguments,
        run=check_availability,
        is_remote=True,
    ),
    Tool(
        name="cal_get_booking_link",
        title="Booking link at Cal.com",
        description="Get the public booking URL for an event type",
        arguments=BookingLinkArguments,
        run=get_booking_link,
        is_remote=True,
    ),
)
