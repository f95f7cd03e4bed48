"""How Twilio is connected, and examined: whether the account is in use, and the sender one of its own."""

from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec

from showup.destinations.kind import Kind, Outfit
from showup.destinations.twilio.api import URL, TwilioApi
from showup.destinations.twilio.destination import PACE, Twilio
from showup.destinations.twilio.render import Renderer, template
from showup.destinations.twilio.settings import TwilioSettings
from showup.destinations.wire import plain


def _listens_to(settings: TwilioSettings) -> frozenset[str]:  # noqa: ARG001 - whatever they say
    return frozenset({"remind"})


def _build(settings: TwilioSettings, credentials: Mapping[str, str], outfit: Outfit) -> Twilio:
    settings.check()
    pace = settings.paced(PACE)
    renderer = Renderer(template(settings.text))
    return Twilio(renderer, _api(settings, credentials, outfit), outfit.meter(pace), pace)


def _api(settings: TwilioSettings, credentials: Mapping[str, str], outfit: Outfit) -> TwilioApi:
    return TwilioApi(
        outfit.client,
        url=(settings.api_url or URL).rstrip("/"),
        settings=settings,
        token=credentials["auth_token"],
        clock=outfit.clock,
    )


async def _examine(settings: TwilioSettings, credentials: Mapping[str, str], outfit: Outfit) -> list[str]:
    try:
        _build(settings, credentials, outfit)
    except ValueError as fault:
        return [str(fault)]
    api = _api(settings, credentials, outfit)
    account = _read(api, await api.account())
    if isinstance(account, str):
        return [account]
    if account.get("status") != "active":
        status = plain(str(account.get("status")), "unknown")
        return [f"the Twilio account is {status}: it sends nothing until it is active again"]
    return await _faults_of_sender(api, settings.sender)


async def _faults_of_sender(api: TwilioApi, sender: str) -> list[str]:
    """Of a number, whether it is one of the account's own; names, short codes and services are not asked about."""
    if not sender.startswith("+"):
        return []
    found = _read(api, await api.numbers(sender))
    if isinstance(found, str):
        return [found]
    if not found.get("incoming_phone_numbers"):
        return ["the sender is no number of this Twilio account: set TWILIO_FROM, or sender, to one of its own"]
    return []


def _read(api: TwilioApi, answer: object) -> dict[str, Any] | str:
    """The answer's body, or a sentence about what is wrong."""
    if not isinstance(answer, httpx2.Response):
        return str(getattr(answer, "because", answer))
    if answer.status_code != 200:
        return api.refusal(answer).because
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except (ValueError, RecursionError):
        return "what answered does not speak like Twilio: look at TWILIO_API_URL, or api_url"


KIND: Final = Kind(
    name="twilio",
    settings=TwilioSettings,
    credentials=("auth_token",),
    listens_to=_listens_to,
    build=_build,
    examine=_examine,
)
