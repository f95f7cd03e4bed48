"""Lists the kinds of connections, and every destination kind except mail and outgoing webhooks.

Only a listed destination kind can be connected, notified and checked.
"""

from collections.abc import Mapping
from typing import Final

from showup.access.connection import CALCOM
from showup.destinations.clickup.health import KIND as CLICKUP
from showup.destinations.destination_kind import DestinationKind
from showup.destinations.emailbison.health import KIND as EMAILBISON
from showup.destinations.notion.health import KIND as NOTION
from showup.destinations.prefect.health import KIND as PREFECT
from showup.destinations.slack.health import KIND as SLACK
from showup.destinations.twilio.health import KIND as TWILIO

_KINDS: Final[tuple[DestinationKind, ...]] = (CLICKUP, EMAILBISON, NOTION, PREFECT, SLACK, TWILIO)
KINDS: Final[Mapping[str, DestinationKind]] = {one.name: one for one in _KINDS}

API_CONNECTION_KINDS: Final = (*KINDS, "resend", "smtp")
"""The kinds of connections that the API creates; a Cal.com account is added by `showup accounts`."""
CONNECTION_KINDS: Final = (CALCOM, *API_CONNECTION_KINDS)
