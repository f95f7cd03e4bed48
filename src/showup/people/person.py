"""A person as they stand: each detail remembers which news gave it, so that older news never takes it back."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace


class Person(Struct, frozen=True, kw_only=True):
    """`*_seen` are the order keys of the news that gave the detail ("" where none did), `*_met_at` source times.

    `company_key` is that of the address, with `company_seen` "", unless somebody gave another. `recorded`: a person
    entered or corrected them, so they stay even if no booking lists them.
    """

    email: str
    first_met_at: datetime
    last_met_at: datetime
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company_key: str | None = None
    name_seen: str = ""
    time_zone_seen: str = ""
    phone_seen: str = ""
    company_seen: str = ""
    recorded: bool = False

    def told(self, other: "Person") -> "Person":
        """The person after another sighting: detail by detail, the newest that says something wins."""
        found = replace(
            self,
            first_met_at=min(self.first_met_at, other.first_met_at),
            last_met_at=max(self.last_met_at, other.last_met_at),
            recorded=self.recorded or other.recorded,
        )
        if other.name is not None and other.name_seen > found.name_seen:
            found = replace(found, name=other.name, name_seen=other.name_seen)
        if other.time_zone is not None and other.time_zone_seen > found.time_zone_seen:
            found = replace(found, time_zone=other.time_zone, time_zone_seen=other.time_zone_seen)
        if other.phone is not None and other.phone_seen > found.phone_seen:
            found = replace(found, phone=other.phone, phone_seen=other.phone_seen)
        if other.company_seen > found.company_seen:
            return replace(found, company_key=other.company_key, company_seen=other.company_seen)
        if other.company_seen == found.company_seen == "":
            # Two addresses of one person may speak for two companies: either is true, so the choice must be fixed.
            keys = [key for key in (found.company_key, other.company_key) if key is not None]
            return replace(found, company_key=min(keys, default=None))
        return found


def person_id(workspace_id: UUID, email: str) -> UUID:
    """The id of a person: the same in every rebuild."""
    return uuid5(workspace_id, f"person:{email}")
