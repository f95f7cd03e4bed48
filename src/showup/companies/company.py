"""A company's current details and its key: its domain, or the event by which a person recorded it."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

_BY_DOMAIN = "domain:"


class Company(Struct, frozen=True, kw_only=True):
    """A company. `name_seen` is the order key of the event that gave the name: older events do not overwrite it.

    `*_met_at` are source times: of the first and the last event about its people. `recorded`: a person entered or
    corrected it, so it stays even if no known person works there.
    """

    key: str
    name: str
    first_met_at: datetime
    last_met_at: datetime
    name_seen: str = ""
    recorded: bool = False

    @property
    def domain(self) -> str | None:
        """Return its registrable domain; None for a manually recorded company without one."""
        return domain_of_key(self.key)

    def with_name(self, name: str, order_key: str) -> "Company":
        """Return the company renamed to `name` by the event with this order key, unless a newer event named it."""
        return replace(self, name=name, name_seen=order_key) if order_key > self.name_seen else self

    def with_meeting_times(self, first_at: datetime, last_at: datetime) -> "Company":
        """Return the company with the times at which its people were first and last met."""
        return replace(self, first_met_at=min(self.first_met_at, first_at), last_met_at=max(self.last_met_at, last_at))

    def merged_with(self, other: "Company") -> "Company":
        """Return the company merged with other details of it."""
        merged = self.with_meeting_times(other.first_met_at, other.last_met_at)
        merged = merged.with_name(other.name, other.name_seen) if other.name_seen else merged
        return replace(merged, recorded=True) if other.recorded else merged


def key_of_domain(domain: str) -> str:
    """Return the key of the company that has this registrable domain."""
    return f"{_BY_DOMAIN}{domain}"


def key_of_event(event_id: UUID) -> str:
    """Return the key of the company that this event recorded without a domain."""
    return f"company:{event_id}"


def domain_of_key(key: str) -> str | None:
    """Return the domain in the key; None if the company has none."""
    return key.removeprefix(_BY_DOMAIN) if key.startswith(_BY_DOMAIN) else None


def company_id(workspace_id: UUID, key: str) -> UUID:
    """Return the id of a company; it is the same in every rebuild."""
    return uuid5(workspace_id, key)
