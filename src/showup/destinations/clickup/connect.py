"""ClickUp's kind of connection: how it is built and examined."""

from collections.abc import Mapping
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import httpx2

from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import URL, Api
from showup.destinations.clickup.destination import PACE, ClickUp
from showup.destinations.clickup.entry import LISTENS_TO
from showup.destinations.clickup.layouts import Layouts
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.kind import Kind, Outfit

# A destination is built anew every few seconds; what the lists look like is known for as long as the process's client.
_KNOWN: WeakKeyDictionary[httpx2.AsyncClient, dict[tuple[str, str], Layouts]] = WeakKeyDictionary()


def _call(settings: ClickUpSettings, credentials: Mapping[str, str], outfit: Outfit) -> Api:
    meter = outfit.meter(settings.paced(PACE))
    return Api(outfit.client, url=settings.api_url or URL, token=credentials["token"], meter=meter, clock=outfit.clock)


def _build(settings: ClickUpSettings, credentials: Mapping[str, str], outfit: Outfit) -> ClickUp:
    known = _KNOWN.setdefault(outfit.client, {})
    layouts = known.setdefault((settings.api_url or URL, credentials["token"]), Layouts())
    call = partial(_call, settings, credentials, outfit)
    return ClickUp(call, settings, layouts=layouts, mirror=outfit.mirror, clock=outfit.clock)


async def _examine(settings: ClickUpSettings, credentials: Mapping[str, str], outfit: Outfit) -> list[str]:
    api = _call(settings, credentials, outfit)
    try:
        await api.user()
    except Refused as refused:
        return [refused.outcome.because]
    faults: list[str] = []
    for list_id in settings.every_list:
        faults += await _faults_of(api, list_id, settings, outfit)
    return faults


async def _faults_of(api: Api, list_id: str, settings: ClickUpSettings, outfit: Outfit) -> list[str]:
    try:
        layout = await Layouts().of(api, list_id, outfit.clock())
    except Refused as refused:
        return [refused.outcome.because]
    faults = [layout.lacks_status(named) for named in settings.statuses if layout.status(named) is None]
    if layout.field(settings.email_field) is None:
        faults.append(layout.lacks_field(settings.email_field))
    return faults


KIND: Final = Kind(
    name="clickup",
    settings=ClickUpSettings,
    credentials=("token",),
    listens_to=lambda _: LISTENS_TO,
    build=_build,
    examine=_examine,
)
