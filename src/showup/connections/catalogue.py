"""Lists every destination kind except mail and outgoing webhooks; only a listed kind can be connected and checked."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.clickup.kind import KIND as CLICKUP
from showup.destinations.destination_kind import DestinationKind
from showup.destinations.notion.kind import KIND as NOTION
from showup.destinations.slack.kind import KIND as SLACK
from showup.destinations.twilio.kind import KIND as TWILIO

_KINDS: Final[tuple[DestinationKind, ...]] = (CLICKUP, NOTION, SLACK, TWILIO)
KINDS: Final[Mapping[str, DestinationKind]] = {one.name: one for one in _KINDS}
