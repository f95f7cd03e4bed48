"""Every kind of destination beside mail and outgoing webhooks: who is listed can be connected, told and examined."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.clickup.connect import KIND as CLICKUP
from showup.destinations.kind import Kind
from showup.destinations.notion.connect import KIND as NOTION
from showup.destinations.slack.connect import KIND as SLACK
from showup.destinations.twilio.connect import KIND as TWILIO

_ALL: Final[tuple[Kind, ...]] = (CLICKUP, NOTION, SLACK, TWILIO)
KINDS: Final[Mapping[str, Kind]] = {one.name: one for one in _ALL}
