"""The ClickUp destination kind: how a connection is built and checked."""

from collections.abc import Mapping
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import httpx2

from showup.destinations.clickup.client import URL, ClickUpClient, LayoutCache
from showup.destinations.clickup.destination import PACE, ClickUp
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.field_words import SecretWords
from showup.destinations.vendor_api import VendorError

# A destination is rebuilt every few seconds; list layouts are cached for as long as the process's client lives.
_LAYOUTS: WeakKeyDictionary[httpx2.AsyncClient, dict[tuple[str, str], LayoutCache]] = WeakKeyDictionary()


def _make_client(
    settings: ClickUpSettings, credentials: Mapping[str, str], context: DestinationContext
) -> ClickUpClient:
    meter = context.meter(settings.override_pace(PACE))
    return ClickUpClient(
        context.client, url=settings.api_url or URL, token=credentials["token"], meter=meter, clock=context.clock
    )


def _build(settings: ClickUpSettings, credentials: Mapping[str, str], context: DestinationContext) -> ClickUp:
    layouts_by_token = _LAYOUTS.setdefault(context.client, {})
    layouts = layouts_by_token.setdefault((settings.api_url or URL, credentials["token"]), LayoutCache())
    make_client = partial(_make_client, settings, credentials, context)
    return ClickUp(make_client, settings, layouts=layouts, mirror=context.mirror, clock=context.clock)


async def _check_health(
    settings: ClickUpSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    api = _make_client(settings, credentials, context)
    try:
        await api.get_user()
    except VendorError as error:
        return [error.outcome.because]
    faults: list[str] = []
    for list_id in settings.all_lists:
        faults += await _list_faults(api, list_id, settings, context)
    return faults


async def _list_faults(
    api: ClickUpClient, list_id: str, settings: ClickUpSettings, context: DestinationContext
) -> list[str]:
    try:
        layout = await LayoutCache().get(api, list_id, context.clock())
    except VendorError as error:
        return [error.outcome.because]
    faults = [layout.missing_status(named) for named in settings.statuses if layout.status(named) is None]
    if layout.field(settings.email_field) is None:
        faults.append(layout.missing_field(settings.email_field))
    return faults


KIND: Final = DestinationKind(
    name="clickup",
    settings=ClickUpSettings,
    credentials=("token",),
    subscribed_events=lambda settings: settings.events,
    build=_build,
    check_health=_check_health,
    keeps_records=True,
    purpose="Each person who books has one task, whose status follows the meeting.",
    guide=(
        "In ClickUp, open Settings, Apps, API Token, and create a token. It has your permissions.",
        "Copy the link of each list: the number at its end is the list’s id.",
        "Give every list a custom field of the type email, and the statuses that you name here.",
    ),
    secrets={"token": SecretWords(title="Personal API token", example="pk_…")},
)
