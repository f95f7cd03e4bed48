"""How a mail names people: first names, initials, and the host or the team that stands for a hidden one."""

import re
from typing import Final

from msgspec import Struct

from showup.destinations.contract import Guest, Meeting
from showup.destinations.languages import Wording
from showup.destinations.lines import one_line, truncate

LONGEST_NAME: Final = 80
_LONGEST_FIRST_NAME: Final = 20
_LETTERS: Final = re.compile(r"[^\W\d_][^\W\d_'’.\-]*")


class Host(Struct, frozen=True, kw_only=True):
    """Who meets the attendee. `full` and `first` are None for a host without a name.

    `writes_i`: the mail is written in their name. `team` is the host with a lower-case article, for the end of a
    letter; `listed` is the host for a list of facts, with the brand.
    """

    full: str | None
    first: str | None
    writes_i: bool
    team: str | None
    listed: str | None

    @property
    def short(self) -> str | None:
        """Returns the first name, else the whole name."""
        return self.first or self.full


def first_name(first: str | None, full: str | None) -> str | None:
    """Returns the first name, or None unless it looks like one: letters, at most 20. PRIYA becomes Priya."""
    word = one_line(first or "") or next(iter(one_line(full or "").split()), "")
    if len(word) > _LONGEST_FIRST_NAME or not _LETTERS.fullmatch(word.replace(" ", "")):
        return None
    return word.capitalize() if word.isupper() or word.islower() else word


def guest_first_name(guest: Guest) -> str | None:
    """Returns how a letter addresses the attendee."""
    return first_name(guest.first_name, guest.name)


def initials(name: str) -> str:
    """Returns the first letters of the first and the last word."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


def host_of_meeting(meeting: Meeting, brand: str | None, words: Wording) -> Host:
    """Returns the host. A name that is an address is not shown: addresses may be hidden, and are no names."""
    full = truncate(one_line(meeting.organizer_name or ""), LONGEST_NAME) or None
    if full is not None and "@" in full:
        full = None
    if full is not None:
        listed = f"{full}, {brand}" if brand and brand.casefold() not in full.casefold() else full
        return Host(
            full=full,
            first=first_name(None, full),
            writes_i=not meeting.organizer_email_hidden,
            team=full,
            listed=listed,
        )
    if brand is None:
        return Host(full=None, first=None, writes_i=False, team=None, listed=None)
    return Host(
        full=None,
        first=None,
        writes_i=False,
        team=words.say("the {brand} team", brand=brand),
        listed=words.say("The {brand} team", brand=brand),
    )
