"""Texts of one SMS: its alphabet and length, and the names that are left out until a text fits.

An SMS holds 160 letters of GSM 03.38, or 70 of any other alphabet. One letter outside that alphabet, such as the á in
Tomás, more than halves the space, so a text is first tried with less: without the host's last name, without the host,
without the title.
"""

import unicodedata
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.lines import one_line, truncate
from showup.destinations.localized_time import plain

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take the space of two letters.
_GSM_EXTENDED: Final = frozenset("^{}\\[~]|€")
_ONE_PART: Final = 160
_PLAINER: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "−": "-"})
_LONGEST_TITLE: Final = 60


class ShownName(Struct, frozen=True, kw_only=True):
    """Who or what a text names: the host, else the event type's title, else nothing (an empty text)."""

    text: str
    is_host: bool = False


def gsm_length(text: str) -> int | None:
    """Returns the length in an SMS of the GSM alphabet; None for a text with other letters."""
    if not all(letter in _GSM or letter in _GSM_EXTENDED for letter in text):
        return None
    return sum(2 if letter in _GSM_EXTENDED else 1 for letter in text)


def fitting_text(meeting: Meeting, write: Callable[[ShownName], str]) -> str:
    """Returns the first version of a text that fits into one SMS, else the shortest one without accents."""
    for name in _names(meeting):
        shown = _plainer(write(name))
        length = gsm_length(shown)
        if length is not None and length <= _ONE_PART:
            return shown
    # The last resort drops accents from what people wrote, never letters.
    return _without_accents(_plainer(write(ShownName(text=""))))


def _names(meeting: Meeting) -> list[ShownName]:
    host = one_line(meeting.organizer_name or "")
    hosts = [] if "@" in host else [host, host.split(" ")[0]]
    title = truncate(one_line(meeting.event_type_title or meeting.title), _LONGEST_TITLE)
    names = [ShownName(text=one, is_host=True) for one in dict.fromkeys(filter(None, hosts))]
    return [*names, *([ShownName(text=title)] if title else []), ShownName(text="")]


def _plainer(text: str) -> str:
    return one_line(plain(text).translate(_PLAINER))


def _without_accents(text: str) -> str:
    """Returns the text without the accents that the GSM alphabet lacks."""
    return "".join(letter if letter in _GSM else unicodedata.normalize("NFD", letter)[:1] for letter in text)
