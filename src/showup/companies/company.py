"""A company as it stands."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class Company(Struct, frozen=True, kw_only=True):
    """`name_seen` is the order key of the news that gave the name: news older than it does not take it back.

    `*_met_at` are source times: of the first and the last news of somebody who works there.
    """

    domain: str
    name: str
    first_met_at: datetime
    last_met_at: datetime
    name_seen: str = ""

    def named(self, name: str, seen: str) -> "Company":
        """The company after news, as of `seen`, that it is called `name`."""
        return replace(self, name=name, name_seen=seen) if seen > self.name_seen else self

    def met(self, first_at: datetime, last_at: datetime) -> "Company":
        """The company after news of somebody who works there."""
        return replace(self, first_met_at=min(self.first_met_at, first_at), last_met_at=max(self.last_met_at, last_at))
