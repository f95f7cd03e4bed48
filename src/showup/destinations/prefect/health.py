"""The Prefect destination kind: how a connection is built, and whether its deployment takes Showup's parameters."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from showup.destinations.destination_kind import DestinationContext, DestinationKind
from showup.destinations.field_words import SecretWords
from showup.destinations.prefect.client import PREFECT, Deployment, PrefectClient, authorization
from showup.destinations.prefect.destination import PACE, Prefect
from showup.destinations.prefect.render import EVENTS, VALUES
from showup.destinations.prefect.settings import PrefectSettings
from showup.destinations.vendor_api import VendorApi, VendorError, short_message

API_KEY: Final = "api_key"


def _build(settings: PrefectSettings, credentials: Mapping[str, str], context: DestinationContext) -> Prefect:
    settings.check()
    make_client = partial(_make_client, settings, credentials, context)
    return Prefect(make_client, settings, settings.override_pace(PACE), context.clock)


def _make_client(
    settings: PrefectSettings, credentials: Mapping[str, str], context: DestinationContext
) -> PrefectClient:
    return PrefectClient(
        VendorApi(
            context.client,
            PREFECT,
            url=settings.api_url or "",
            authorization=authorization(credentials.get(API_KEY)),
            clock=context.clock,
            meter=context.meter(settings.override_pace(PACE)),
        )
    )


async def _check_health(
    settings: PrefectSettings, credentials: Mapping[str, str], context: DestinationContext
) -> list[str]:
    try:
        _build(settings, credentials, context)
        flow, name = settings.deployment_names()
        chosen = settings.parameter_values()
    except ValueError as fault:
        return [str(fault)]
    try:
        deployment = await _make_client(settings, credentials, context).get_deployment(flow, name)
    except VendorError as error:
        return [error.outcome.because]
    return _parameter_faults(deployment, chosen)


def _parameter_faults(deployment: Deployment, chosen: Mapping[str, str]) -> list[str]:
    """Returns a sentence for what the flow requires and does not get, and for what it gets and does not declare."""
    declared, required = deployment.schema.get("properties"), deployment.schema.get("required")
    names = [*chosen] if chosen else [*VALUES]
    missing = [one for one in required or () if one not in names and one not in deployment.parameters]
    unknown = [one for one in chosen if isinstance(declared, dict) and one not in declared]
    faults = []
    if missing:
        words = short_message(", ".join(map(str, missing)), "?")
        faults.append(
            f"the flow requires the parameters {words}, which Showup does not set: name Showup's values for them in "
            "`parameters`, or give them defaults in the deployment"
        )
    if unknown:
        words = short_message(", ".join(unknown), "?")
        faults.append(f"the flow has no parameters {words}: correct `parameters`")
    return faults


KIND: Final = DestinationKind(
    name="prefect",
    settings=PrefectSettings,
    credentials=(),
    optional_credentials=(API_KEY,),
    subscribed_events=lambda _: EVENTS,
    build=_build,
    check_health=_check_health,
    plans_reminders=True,
    purpose="Each reminder of a booking is a flow run of your deployment, which moves with the meeting.",
    guide=(
        "Deploy the flow; prefect deployment ls prints its name.",
        "In Prefect Cloud, create an API key. A server with an auth string needs that, others nothing.",
    ),
    secrets={
        API_KEY: SecretWords(
            title="API key or auth string", help="Only if your server asks for one.", example="pnu_… or admin:password"
        )
    },
)
