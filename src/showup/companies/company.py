"""A company as it stands, and the key by which it is known: its domain, or the event by which somebody entered it."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

_BY_DOMAIN = "domain:"


class Company(Struct, frozen=True, kw_only=True):
    """`name_seen` is the order key of the news that gave the name: news older than it does not take it back.

    `*_met_at` are source times: of the first and the last news of somebody who works there. `recorded`: a person
    entered or corrected it, so it stays even if nobody works there.
    """

    key: str
    name: str
    first_met_at: datetime
    last_met_at: datetime
    name_seen: str = ""
    recorded: bool = False

    @property
    def domain(self) -> str | None:
        """Its registrable domain; None for one entered by hand without."""
        return domain_of_key(self.key)

    def named(self, name: str, seen: str) -> "Company":
        """The company after news, as of `seen`, that it is called `name`."""
        return replace(self, name=name, name_seen=seen) if seen > self.name_seen else self

    def met(self, first_at: datetime, last_at: datetime) -> "Company":
        """The company after news of somebody who works there."""
        return replace(self, first_met_at=min(self.first_met_at, first_at), last_met_at=max(self.last_met_at, last_at))

    def told(self, other: "Company") -> "Company":
        """The company after another reading of it."""
        found = self.met(other.first_met_at, other.last_met_at)
        found = found.named(other.name, other.name_seen) if other.name_seen else found
        return replace(found, recorded=True) if other.recorded else found


def key_of_domain(domain: str) -> str:
    """The key of the company that has this registrable domain."""
    return f"{_BY_DOMAIN}{domain}"


def key_of_event(event_id: UUID) -> str:
    """The key of the company that was entered by this event, without a domain."""
    return f"company:{event_id}"


def domain_of_key(key: str) -> str | None:
    """The domain in the key; None where the company has none."""
    return key.removeprefix(_BY_DOMAIN) if key.startswith(_BY_DOMAIN) else None


def company_id(workspace_id: UUID, key: str) -> UUID:
    """The id of a company: the same in every rebuild."""
    return uuid5(workspace_id, key)
