"""The Twilio destination kind: how a connection is built, and whether the account is active and owns the sender."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.field_words import SecretWords
from showup.destinations.twilio.change_text import CHANGES
from showup.destinations.twilio.client import TWILIO, URL, VERSION, TwilioClient
from showup.destinations.twilio.destination import PACE, Twilio
from showup.destinations.twilio.render import TextMessageRenderer
from showup.destinations.twilio.settings import TwilioSettings
from showup.destinations.vendor_api import VendorApi, VendorError, basic, short_message


def _subscribed_events(settings: TwilioSettings) -> frozenset[str]:
    return frozenset({"reminder"}) | (CHANGES if settings.changes else frozenset())


def _build(settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext) -> Twilio:
    settings.check()
    make_client = partial(_make_client, settings, credentials, context)
    renderer = TextMessageRenderer(settings.placeholder_text())
    return Twilio(make_client, renderer, settings.override_pace(PACE))


def _make_client(settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext) -> TwilioClient:
    api = VendorApi(
        context.client,
        TWILIO,
        url=f"{(settings.api_url or URL).rstrip('/')}/{VERSION}/Accounts/{settings.account_sid}",
        authorization=basic(settings.account_sid, credentials["auth_token"]),
        clock=context.clock,
        meter=context.meter(settings.override_pace(PACE)),
    )
    return TwilioClient(api, settings, context.clock)


async def _check_health(
    settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    try:
        _build(settings, credentials, context)
    except ValueError as fault:
        return [str(fault)]
    api = _make_client(settings, credentials, context)
    try:
        account = await api.get_account()
        if account.get("status") != "active":
            status = short_message(str(account.get("status")), "unknown")
            return [f"the Twilio account is {status}: it sends nothing until it is active again"]
        return await _sender_faults(api, settings.sender)
    except VendorError as error:
        return [error.outcome.because]


async def _sender_faults(api: TwilioClient, sender: str) -> list[str]:
    """Checks that a number belongs to the account; names, short codes and services are not checked."""
    if not sender.startswith("+"):
        return []
    found = await api.find_numbers(sender)
    if not found.get("incoming_phone_numbers"):
        return ["the sender is not a number of this Twilio account: set TWILIO_FROM, or sender, to one of its numbers"]
    return []


KIND: Final = DestinationKind(
    name="twilio",
    settings=TwilioSettings,
    credentials=("auth_token",),
    subscribed_events=_subscribed_events,
    build=_build,
    check_health=_check_health,
    purpose="Attendees who gave a phone number get reminders and changes as text messages too.",
    guide=(
        "In Twilio’s console, copy the Account SID and the auth token.",
        "Choose a number of yours as the sender, or a messaging service.",
    ),
    secrets={"auth_token": SecretWords(title="Auth token")},
)
