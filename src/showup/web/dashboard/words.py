"""How pages write times, money, counts and rates (DESIGN, Words). Pure: the viewer's zone and clock are arguments."""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from showup.access.teammate import ClockFormat
from showup.values.time_zone import find_zone

_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_HUES: Final = 6
_SOCIAL_HOURS: Final = range(9, 18)
_THOUSANDS_FROM: Final = 10_000
_MAX_SHOWN: Final = 99
_MAX_TEXT: Final = 120
Comparison = Literal["same", "ahead", "odd"]


class Viewer(Struct, frozen=True, kw_only=True):
    """Who reads the page: their zone, how they write hours, and the moment of the page."""

    zone: ZoneInfo
    clock: ClockFormat
    now: datetime

    def local(self, at: datetime) -> datetime:
        """Return the moment in the viewer's zone."""
        return at.astimezone(self.zone)

    def hour(self, at: datetime) -> str:
        """Return the time of day: `14:00` or `2:00 pm`."""
        return _hour(self.local(at), self.clock)

    def day(self, at: datetime) -> str:
        """Return the day: today, yesterday, tomorrow, `Tue 17 Mar`, and with its year if that is another one."""
        local, today = self.local(at), self.local(self.now)
        names = {-1: "yesterday", 0: "today", 1: "tomorrow"}
        if (near := names.get((local.date() - today.date()).days)) is not None:
            return near
        return f"{local:%a} {local.day} {local:%b}" + (f" {local.year}" if local.year != today.year else "")

    def moment(self, at: datetime) -> str:
        """Return the day and the time: `yesterday 16:20`; of today the time alone."""
        day = self.day(at)
        return self.hour(at) if day == "today" else f"{day} {self.hour(at)}"

    def relative(self, at: datetime) -> str:
        """Return the distance below a day: `in 23 min`, `37 min ago`; the moment beyond it."""
        seconds = (at - self.now).total_seconds()
        if abs(seconds) >= timedelta(days=1).total_seconds():
            return self.moment(at)
        minutes = ceil(seconds / 60) if seconds > 0 else int(-seconds // 60)
        if minutes == 0:
            return "now"
        hours, rest = divmod(minutes, 60)
        length = f"{minutes} min" if hours == 0 else f"{hours} h {rest} min" if rest else f"{hours} h"
        return f"in {length}" if seconds > 0 else f"{length} ago"

    def full(self, at: datetime) -> str:
        """Return the complete moment, with zone and offset, for a title."""
        local = self.local(at)
        offset = local.strftime("%z")
        return f"{local:%A} {local.day} {local:%B %Y}, {self.hour(at)} {self.city} (UTC{offset[:3]}:{offset[3:]})"

    @property
    def city(self) -> str:
        """Return the city of the viewer's zone."""
        return city_of(self.zone.key)


class TheirTime(Struct, frozen=True, kw_only=True):
    """An attendee's clock. `is_odd`: outside 9 to 18 there; `is_same`: the same offset as the viewer's."""

    text: str
    is_odd: bool
    is_same: bool


def their_time(viewer: Viewer, at: datetime, zone_name: str | None) -> TheirTime | None:
    """Return the attendee's time beside the viewer's; None if their zone is unknown, or is the viewer's own."""
    zone = find_zone(zone_name) if zone_name else None
    if zone is None or zone.key == viewer.zone.key:
        return None
    local, city = at.astimezone(zone), city_of(zone.key)
    if local.utcoffset() == viewer.local(at).utcoffset():
        return TheirTime(text=f"{city}, same time as yours", is_odd=False, is_same=True)
    return TheirTime(
        text=f"{_hour(local, viewer.clock)} in {city}", is_odd=local.hour not in _SOCIAL_HOURS, is_same=False
    )


def their_hour(viewer: Viewer, at: datetime, zone_name: str | None) -> str | None:
    """Return the attendee's time of day; None if their zone is unknown, or its hour is the viewer's."""
    zone = find_zone(zone_name) if zone_name else None
    if zone is None:
        return None
    local = at.astimezone(zone)
    return None if local.utcoffset() == viewer.local(at).utcoffset() else _hour(local, viewer.clock)


def city_of(zone_name: str) -> str:
    """Return the city of an IANA zone: `New York` for `America/New_York`."""
    return zone_name.rpartition("/")[2].replace("_", " ")


def percent(value: float) -> str:
    """Return a whole number of per cent, with a narrow space."""
    return f"{round(value)}{_NARROW}%"


def plus_minus(margin: int) -> str:
    """Return the doubt of a rate: `± 9`."""
    return f"±{_NARROW}{margin}"


def money(amount: Decimal | float | None, currency: str | None) -> str:
    """Return an exact amount: `$42,000`, `CHF 1,250.50`; without a currency, the number alone."""
    if amount is None:
        return "–"
    exact = Decimal(str(amount))
    number = f"{exact:,.0f}" if exact == exact.to_integral_value() else f"{exact:,.2f}"
    return f"{unit(currency)}{number}"


def unit(currency: str | None) -> str:
    """Return what stands before an amount: `$`, `CHF ` with a no-break space, or nothing without a currency."""
    return _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}") if currency else ""


def short_money(amount: Decimal | float, currency: str | None) -> str:
    """Return an amount in a summary: in thousands from 10,000."""
    if amount < _THOUSANDS_FROM:
        return money(round(amount), currency)
    return f"{money(round(amount / 1000), currency)}k"


def sums(amounts: Mapping[str, Decimal]) -> list[str]:
    """Return the sums of all currencies, largest first; they are never added."""
    return [short_money(amount, name) for name, amount in sorted(amounts.items(), key=lambda one: -one[1])]


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 person`, `1,204 people`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def capped(number: int) -> str:
    """Return a count for the navigation: `7`, or `99+`."""
    return str(number) if number <= _MAX_SHOWN else f"{_MAX_SHOWN}+"


def clipped(text: str) -> str:
    """Return outside text at a length that leaves a page readable."""
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT].rstrip()}…"


def sentence(text: str) -> str:
    """Return the text with its first letter as a capital, and the rest as it is."""
    return text[:1].upper() + text[1:]


def question(slug: str) -> str:
    """Return the question of a form by its slug: `team-size` is `Team size`."""
    return sentence(slug.replace("-", " ").replace("_", " "))


def initials(name: str) -> str:
    """Return up to two initials."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[-1:] if len(letters) > 1 else letters[:1]).upper() or "?"


def hue(name: str) -> int:
    """Return one of six colours, the same for a name everywhere."""
    return zlib.crc32(name.encode()) % _HUES + 1


def _hour(local: datetime, clock: ClockFormat) -> str:
    if clock == "24h":
        return f"{local:%H:%M}"
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
