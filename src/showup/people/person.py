"""A person's current details; each detail records its event, so that older events never overwrite it."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace


class Person(Struct, frozen=True, kw_only=True):
    """A person. `*_seen` are order keys of the events that gave the detail ("" if none); `*_met_at` are source times.

    `company_key` is derived from the address, with `company_seen` "", unless a person set another. `recorded`: a person
    entered or corrected it, so it stays even if no booking lists it.
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

    def merged_with(self, other: "Person") -> "Person":
        """Return the person merged with other details: for each detail, the newest value wins."""
        merged = replace(
            self,
            first_met_at=min(self.first_met_at, other.first_met_at),
            last_met_at=max(self.last_met_at, other.last_met_at),
            recorded=self.recorded or other.recorded,
        )
        if other.name is not None and other.name_seen > merged.name_seen:
            merged = replace(merged, name=other.name, name_seen=other.name_seen)
        if other.time_zone is not None and other.time_zone_seen > merged.time_zone_seen:
            merged = replace(merged, time_zone=other.time_zone, time_zone_seen=other.time_zone_seen)
        if other.phone is not None and other.phone_seen > merged.phone_seen:
            merged = replace(merged, phone=other.phone, phone_seen=other.phone_seen)
        if other.company_seen > merged.company_seen:
            return replace(merged, company_key=other.company_key, company_seen=other.company_seen)
        if other.company_seen == merged.company_seen == "":
            # Two addresses of one person may imply two companies; both are valid, so the choice must be deterministic.
            keys = [key for key in (merged.company_key, other.company_key) if key is not None]
            return replace(merged, company_key=min(keys, default=None))
        return merged


def person_id(workspace_id: UUID, email: str) -> UUID:
    """Return the id of a person; it is the same in every rebuild."""
    return uuid5(workspace_id, f"person:{email}")
