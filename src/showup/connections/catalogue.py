"""Lists every destination kind except mail and outgoing webhooks, and all systems that can be connected to."""

from collections.abc import Mapping
from typing import Final

from showup.access.connection import CALCOM
from showup.destinations.clickup.health import KIND as CLICKUP
from showup.destinations.destination_kind import DestinationKind
from showup.destinations.notion.health import KIND as NOTION
from showup.destinations.slack.health import KIND as SLACK
from showup.destinations.twilio.health import KIND as TWILIO

_KINDS: Final[tuple[DestinationKind, ...]] = (CLICKUP, NOTION, SLACK, TWILIO)
KINDS: Final[Mapping[str, DestinationKind]] = {one.name: one for one in _KINDS}
CONNECTABLE: Final = (CALCOM, "resend", "smtp", "emailbison", *KINDS)
"""The systems that a workspace can be connected to."""
