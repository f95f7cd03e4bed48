"""The Slack destination kind: the secrets that a connection needs, and its health check."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.field_words import SecretWords
from showup.destinations.slack.client import MISSING_SCOPE, URL, SlackClient
from showup.destinations.slack.destination import SlackDestination
from showup.destinations.slack.settings import APPROVAL_EVENTS, CHOOSE, CHOSEN, SlackSettings
from showup.destinations.vendor_api import VendorError

_HISTORY_SCOPES: Final = frozenset({"channels:history", "groups:history"})


def _subscribed_events(settings: SlackSettings) -> frozenset[str]:
    return frozenset(settings.notices)


def _build(settings: SlackSettings, credentials: Mapping[str, str], context: DestinationContext) -> Destination:
    return SlackDestination(_api(settings, credentials, context), settings)


def _api(settings: SlackSettings, credentials: Mapping[str, str], context: DestinationContext) -> SlackClient:
    url = settings.api_url or URL
    return SlackClient(context.client, url=url, token=credentials["bot_token"], clock=context.clock)


async def _check_health(
    settings: SlackSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    api = _api(settings, credentials, context)
    try:
        scopes = await api.scopes()
    except VendorError as fault:
        return [fault.outcome.because]
    faults = []
    if scopes and "chat:write" not in scopes:
        faults.append("the app lacks the scope chat:write: add it, and reinstall the app")
    if scopes and not scopes & _HISTORY_SCOPES:
        faults.append("the app lacks the scope channels:history: after a failed call, a message may be posted twice")
    for channel in settings.all_channels:
        faults += await _channel_faults(api, channel)
    return faults


async def _channel_faults(api: SlackClient, channel: str) -> list[str]:
    try:
        payload = await api.channel(channel)
    except VendorError as fault:
        # Without the scope to read it, only posting a message can show a fault.
        return [] if fault.code == MISSING_SCOPE else [fault.outcome.because]
    if payload.get("is_archived"):
        return [f"the channel {channel} is archived: set another channel"]
    if payload.get("is_member") is False:
        return [f"the app is not in the channel {channel}: use `/invite` with the app's name there"]
    return []


KIND: Final = DestinationKind(
    name="slack",
    settings=SlackSettings,
    credentials=("bot_token",),
    subscribed_events=_subscribed_events,
    build=_build,
    check_health=_check_health,
    # Buttons can't work if their presses can't be verified.
    secret_required_by=dict.fromkeys((CHOOSE, CHOSEN, *APPROVAL_EVENTS), "signing_secret"),
    purpose="Your team reads of bookings, no-shows and problems in a channel, and answers questions there.",
    guide=(
        "At api.slack.com/apps, create an app from the manifest in the documentation, and install it.",
        "Copy the bot token under OAuth & Permissions, and the signing secret under Basic Information.",
        "In the channel, write /invite and the app’s name.",
    ),
    secrets={
        "bot_token": SecretWords(title="Bot token", example="xoxb-…"),
        "signing_secret": SecretWords(
            title="Signing secret", help="Without it, Showup asks no questions: it could not verify the answers."
        ),
    },
)
