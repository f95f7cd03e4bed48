"""The EmailBison destination kind: how a connection is built, and whether its token and its variable are right."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.emailbison.destination import PACE, EmailBison, missing_variable
from showup.destinations.emailbison.settings import EmailBisonSettings
from showup.destinations.field_words import SecretWords
from showup.destinations.vendor_api import VendorError


def _make_client(
    settings: EmailBisonSettings, credentials: Mapping[str, str], context: DestinationContext
) -> EmailBisonClient:
    return EmailBisonClient(
        context.client,
        url=settings.url,
        token=credentials["api_key"],
        clock=context.clock,
        meter=context.meter(settings.override_pace(PACE)),
    )


def _build(settings: EmailBisonSettings, credentials: Mapping[str, str], context: DestinationContext) -> EmailBison:
    _ = settings.url  # it must be set
    make_client = partial(_make_client, settings, credentials, context)
    return EmailBison(make_client, settings, settings.override_pace(PACE), context.clock)


async def _check_health(
    settings: EmailBisonSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    try:
        api = _make_client(settings, credentials, context)
    except ValueError as fault:
        return [str(fault)]
    try:
        await api.get_user()
        variables = [one async for one in api.list_variables()]
    except VendorError as error:
        return [error.outcome.because]
    wanted = settings.status_variable
    return [missing_variable(wanted)] if wanted and not any(one.is_named(wanted) for one in variables) else []


KIND: Final = DestinationKind(
    name="emailbison",
    settings=EmailBisonSettings,
    credentials=("api_key",),
    subscribed_events=lambda settings: settings.events,
    build=_build,
    check_health=_check_health,
    keeps_records=True,
    purpose="Showup reads campaigns, leads and replies, and writes into each lead what became of the meeting.",
    guide=(
        "In EmailBison, switch to the workspace that has the campaigns.",
        "Open Settings, Developer API, and create a token of the kind api-user: it opens this workspace alone.",
        "Afterwards, showup emailbison register on the server creates the webhook and the variable.",
    ),
    secrets={"api_key": SecretWords(title="API token", help="Of the kind api-user.", example="1|…")},
)
