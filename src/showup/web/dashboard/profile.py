"""A teammate's own name, zone and clock, as the first run and the settings ask for them."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import teammates_store
from showup.access.teammate import Session
from showup.values.time_zone import find_zone

ZONES: Final = tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))
_MAX_NAME: Final = 100


def profile_faults(form: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the form, by field."""
    name, faults = form.get("name", ""), {}
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        faults["name"] = f"Enter the name that others see, in at most {_MAX_NAME} characters."
    if find_zone(form.get("time_zone", "")) is None:
        faults["time_zone"] = "Choose a zone of the list, such as Europe/Berlin."
    return faults


async def save_profile(tx: AsyncConnection, session: Session, form: Mapping[str, str]) -> None:
    """Save a form without faults."""
    clock = "12h" if form.get("clock") == "12h" else "24h"
    await teammates_store.change(tx, session.teammate.id, name=form["name"], time_zone=form["time_zone"], clock=clock)
