"""Time zones by their IANA names, such as `Europe/Berlin`. Names come from outside and may be invalid."""

from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from showup.values.invalid_value import InvalidValue

_UTC = ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of this name, or None."""
    try:
        return ZoneInfo(name)
    # Names that point outside the zone folder, or to one of its folders, raise other errors than unknown names.
    except (LookupError, ValueError, OSError):
        return None


def zone_of(*names: str | None) -> ZoneInfo:
    """Return the first valid zone of these names, or UTC if none is valid."""
    return next((zone for name in names if name and (zone := find_zone(name)) is not None), _UTC)


def check_time_zone(name: str) -> str:
    """Return the name if it is a zone of the IANA database. Raises InvalidValue."""
    if name not in available_timezones():
        raise InvalidValue("an IANA time zone such as Europe/Berlin")
    return name


TimeZone = Annotated[str, Field(max_length=100, examples=["Europe/Berlin"]), AfterValidator(check_time_zone)]
