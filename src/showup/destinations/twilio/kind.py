"""Connects Twilio and checks its health: whether the account is active and owns the sender."""

from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec

from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.twilio.client import URL, TwilioClient
from showup.destinations.twilio.destination import PACE, Twilio
from showup.destinations.twilio.render import TextMessageRenderer, compile_template
from showup.destinations.twilio.settings import TwilioSettings
from showup.destinations.vendor_api import short_message


def _subscribed_events(settings: TwilioSettings) -> frozenset[str]:  # noqa: ARG001 - the same for all settings
    return frozenset({"remind"})


def _build(settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext) -> Twilio:
    settings.check()
    pace = settings.override_pace(PACE)
    renderer = TextMessageRenderer(compile_template(settings.text))
    return Twilio(renderer, _api(settings, credentials, context), context.meter(pace), pace)


def _api(settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext) -> TwilioClient:
    return TwilioClient(
        context.client,
        url=(settings.api_url or URL).rstrip("/"),
        settings=settings,
        token=credentials["auth_token"],
        clock=context.clock,
    )


async def _check_health(
    settings: TwilioSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    try:
        _build(settings, credentials, context)
    except ValueError as fault:
        return [str(fault)]
    api = _api(settings, credentials, context)
    account = _body_or_fault(api, await api.get_account())
    if isinstance(account, str):
        return [account]
    if account.get("status") != "active":
        status = short_message(str(account.get("status")), "unknown")
        return [f"the Twilio account is {status}: it sends nothing until it is active again"]
    return await _sender_faults(api, settings.sender)


async def _sender_faults(api: TwilioClient, sender: str) -> list[str]:
    """Checks that a number belongs to the account; names, short codes and services are not checked."""
    if not sender.startswith("+"):
        return []
    found = _body_or_fault(api, await api.find_numbers(sender))
    if isinstance(found, str):
        return [found]
    if not found.get("incoming_phone_numbers"):
        return ["the sender is not a number of this Twilio account: set TWILIO_FROM, or sender, to one of its numbers"]
    return []


def _body_or_fault(api: TwilioClient, response: object) -> dict[str, Any] | str:
    """Returns the response's body, or a sentence about the fault."""
    if not isinstance(response, httpx2.Response):
        return str(getattr(response, "because", response))
    if response.status_code != 200:
        return api.outcome_of(response).because
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (ValueError, RecursionError):
        return "unexpected response (not Twilio's API): check TWILIO_API_URL, or api_url"


KIND: Final = DestinationKind(
    name="twilio",
    settings=TwilioSettings,
    credentials=("auth_token",),
    subscribed_events=_subscribed_events,
    build=_build,
    check_health=_check_health,
)
