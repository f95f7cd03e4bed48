"""Slack among the kinds of destinations: what its connection needs, and what can be wrong with it."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.contract import Destination
from showup.destinations.kind import Kind, Outfit
from showup.destinations.slack.answers import MISSING_SCOPE, NotDone
from showup.destinations.slack.api import URL, SlackApi
from showup.destinations.slack.destination import SlackDestination
from showup.destinations.slack.settings import CHOOSE, CHOSEN, SlackSettings

_READS: Final = frozenset({"channels:history", "groups:history"})


def _listens_to(settings: SlackSettings) -> frozenset[str]:
    return frozenset(settings.notices)


def _build(settings: SlackSettings, credentials: Mapping[str, str], outfit: Outfit) -> Destination:
    return SlackDestination(_api(settings, credentials, outfit), settings)


def _api(settings: SlackSettings, credentials: Mapping[str, str], outfit: Outfit) -> SlackApi:
    url = settings.api_url or URL
    return SlackApi(outfit.client, url=url, token=credentials["bot_token"], clock=outfit.clock)


async def _examine(settings: SlackSettings, credentials: Mapping[str, str], outfit: Outfit) -> list[str]:
    api = _api(settings, credentials, outfit)
    try:
        scopes = await api.scopes()
    except NotDone as fault:
        return [fault.outcome.because]
    faults = []
    if scopes and "chat:write" not in scopes:
        faults.append("the app lacks the scope chat:write: give it that scope and install it again")
    if scopes and not scopes & _READS:
        faults.append("the app lacks the scope channels:history: a message may be posted twice when Slack falters")
    for channel in settings.every_channel:
        faults += await _examined(api, channel)
    return faults


async def _examined(api: SlackApi, channel: str) -> list[str]:
    try:
        said = await api.channel(channel)
    except NotDone as fault:
        # Without a scope for it, only a message can tell.
        return [] if fault.error == MISSING_SCOPE else [fault.outcome.because]
    if said.get("is_archived"):
        return [f"the channel {channel} is archived: name another one"]
    if said.get("is_member") is False:
        return [f"the app is not in the channel {channel}: write `/invite` with its name there"]
    return []


KIND: Final = Kind(
    name="slack",
    settings=SlackSettings,
    credentials=("bot_token",),
    listens_to=_listens_to,
    build=_build,
    examine=_examine,
    # Nobody can press a button whose presses can't be verified.
    only_with={CHOOSE: "signing_secret", CHOSEN: "signing_secret"},
)
