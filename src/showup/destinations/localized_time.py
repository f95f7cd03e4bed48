"""Formats a meeting's time for its attendee: words in the mail's language, order and clock of the attendee's region.

Dates come from CLDR, by Babel. Texts have U+00A0 before AM and PM, and no thin spaces, which some mail programs show as
boxes; `plain` replaces the former where spaces must be plain: in subjects, in plain text, in text messages.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from showup.destinations.languages import PSEUDO, Wording

if TYPE_CHECKING:
    from babel import Locale

# A date this far away could be understood as one of another year.
_SAME_YEAR: Final = timedelta(days=300)
_YEAR: Final = re.compile(r"(?:[\s,]{0,3}'de')?[\s,]{0,3}y{1,4}\s?$")
_THIN_SPACES: Final = str.maketrans({"\u2009": None, "\u202f": "\u00a0"})
_CITY_ZONE: Final = re.compile(r"(?!Etc/|SystemV/)[A-Za-z]+/.+")


class LocalizedTime(Struct, frozen=True, kw_only=True):
    """A formatted time.

    English in New York: `day` is `Thu, Dec 3`, `date` is `Thursday, December 3`, `time` is `10:00 AM`, `hours` is
    `10:00–10:30 AM`, `zone` is `New York time`, and `tile` is `("Thu", "3", "Dec")`. `relative` compares the day with
    the day on which the text is written, in the same zone.
    """

    day: str
    date: str
    weekday: str
    time: str
    hours: str
    zone: str
    city: str | None
    tile: tuple[str, str, str]
    relative: Literal["today", "tomorrow"] | None
    days_ahead: int

    def __str__(self) -> str:
        return f"{self.day}, {self.time}"


def plain(text: str) -> str:
    """Returns the text with plain spaces only."""
    return text.translate(_THIN_SPACES).replace("\u00a0", " ")


def localized_time(
    start: datetime,
    end: datetime | None,
    zone: ZoneInfo,
    *,
    words: Wording,
    locale: str | None,
    now: datetime,
    home: ZoneInfo | None = None,
) -> LocalizedTime:
    """Formats an aware time, or a span.

    Order and clock are those of the attendee's region: of their locale, such as `en-GB`, else of their own zone `home`.
    """
    from babel.dates import format_datetime, format_skeleton

    chosen = _babel_locale(words.language, locale, (home or zone).key)
    begins, today = start.astimezone(zone), now.astimezone(zone).date()
    has_year = abs(start - now) > _SAME_YEAR
    pattern = str(chosen.date_formats["full"].pattern)

    def formatted(format_: str) -> str:
        return str(format_datetime(begins, format_, tzinfo=zone, locale=chosen)).translate(_THIN_SPACES)

    days = (begins.date() - today).days
    city = _city(zone, chosen)
    day = str(format_skeleton("yMMMEd" if has_year else "MMMEd", begins, tzinfo=zone, locale=chosen))
    return LocalizedTime(
        day=day.translate(_THIN_SPACES),
        date=formatted(pattern if has_year else _YEAR.sub("", pattern)),
        weekday=formatted("cccc"),
        time=_clock(begins, chosen) + _ambiguity(begins),
        hours=_hours(begins, None if end is None else end.astimezone(zone), chosen, words),
        zone=words.say("{city} time", city=city) if city else _offset(begins),
        city=city,
        tile=(formatted("ccc").rstrip("."), str(begins.day), formatted("LLL").rstrip(".")),
        relative={0: "today", 1: "tomorrow"}.get(days),  # type: ignore[arg-type]  # the values of the literal
        days_ahead=days,
    )


def day_with_year(start: datetime, zone: ZoneInfo, *, words: Wording, locale: str | None) -> str:
    """Returns the day with its year, such as `Thu, Dec 3, 2026`."""
    from babel.dates import format_skeleton

    chosen = _babel_locale(words.language, locale, zone.key)
    day = format_skeleton("yMMMEd", start.astimezone(zone), tzinfo=zone, locale=chosen)
    return str(day).translate(_THIN_SPACES)


def _hours(begins: datetime, ends: datetime | None, locale: "Locale", words: Wording) -> str:
    from babel.dates import format_interval

    if ends is None:
        return _clock(begins, locale) + _ambiguity(begins)
    if begins.utcoffset() != ends.utcoffset():
        # A clock change falls inside the span: without offsets it would look wrong by an hour.
        return f"{_clock(begins, locale)} ({_offset(begins)}) – {_clock(ends, locale)} ({_offset(ends)})"
    if begins.date() != ends.date():
        span = f"{_clock(begins, locale)} – {_clock(ends, locale)}"
        return words.say("{hours}, ends {weekday}", hours=span, weekday=_weekday(ends, locale))
    skeleton = "hm" if _has_twelve_hours(locale) else "Hm"
    span = str(format_interval(begins, ends, skeleton, tzinfo=begins.tzinfo, locale=locale))
    return span.translate(_THIN_SPACES).replace(" – ", "–") + _ambiguity(begins)


def _clock(moment: datetime, locale: "Locale") -> str:
    from babel.dates import format_time

    return str(format_time(moment, "short", tzinfo=moment.tzinfo, locale=locale)).translate(_THIN_SPACES)


def _weekday(moment: datetime, locale: "Locale") -> str:
    from babel.dates import format_datetime

    return str(format_datetime(moment, "ccc", tzinfo=moment.tzinfo, locale=locale))


def _ambiguity(moment: datetime) -> str:
    """Returns the offset where an hour occurs twice, when clocks are set back."""
    occurs_twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f" ({_offset(moment)})" if occurs_twice else ""


def _offset(moment: datetime) -> str:
    minutes = round((moment.utcoffset() or timedelta(0)).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return f"UTC{sign}{hours}{f':{rest:02}' if rest else ''}" if minutes else "UTC"


def _city(zone: ZoneInfo, locale: "Locale") -> str | None:
    from babel.dates import get_timezone_location

    if not _CITY_ZONE.fullmatch(zone.key):
        return None
    return str(get_timezone_location(zone.key, return_city=True, locale=locale))


def _has_twelve_hours(locale: "Locale") -> bool:
    return "a" in str(locale.time_formats["short"].pattern)


@lru_cache(maxsize=256)
def _babel_locale(language: str, locale: str | None, zone: str) -> "Locale":
    """Returns the language with the region of the attendee's locale, else with the country of their zone."""
    from babel import Locale, UnknownLocaleError

    language = "en" if language == PSEUDO else language
    region = _region(locale) or _country(zone)
    if region is not None:
        try:
            return Locale(language, region)
        except (UnknownLocaleError, ValueError):
            pass
    if language != "en" or region is None:
        return Locale("en", "US") if language == "en" else Locale(language)
    # English for the world; with 24 hours where the region's own language writes them.
    try:
        own = Locale.parse(f"und_{region}")
    except (UnknownLocaleError, ValueError):
        return Locale("en", "001")
    return Locale("en", "001" if _has_twelve_hours(own) else "150")


def _region(locale: str | None) -> str | None:
    parts = re.split(r"[-_]", locale or "")
    return next((part.upper() for part in parts[1:] if re.fullmatch(r"[A-Za-z]{2}", part)), None)


def _country(zone: str) -> str | None:
    from babel.core import get_global

    countries: Any = get_global("zone_territories")
    country: str | None = countries.get(zone) or countries.get(get_global("zone_aliases").get(zone, ""))
    return country
