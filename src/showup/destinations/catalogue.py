"""Every kind of destination beside mail and outgoing webhooks: who is listed can be connected, told and examined."""

from collections.abc import Mapping
from typing import Final

from showup.destinations.kind import Kind

_ALL: Final[tuple[Kind, ...]] = ()
KINDS: Final[Mapping[str, Kind]] = {one.name: one for one in _ALL}
