"""The keys by which attendees and leads that may be one person find each other in the database. Pure.

A comparison depends only on leads that share a key with the attendee. So a new lead changes nothing for other
attendees, and an import finds the bookings that it may change without reading the others.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from showup.campaigns.name_match.company_name import company_key
from showup.campaigns.name_match.evidence import AttendeeFeatures
from showup.campaigns.name_match.person_name import lead_name_keys, nicknames_and_long_names

KeyIndex: TypeAlias = Literal["family", "company", "first", "company_beginning"]
"""The index of leads that a probe reads: family name, given name; company, family name; given name, family name; or
the companies whose names begin alike."""

_PREFIX: Final = 2
_COMPANY_PREFIX: Final = 4
_MIN_MAILBOX_WORD: Final = 3
_MAX_PROBES: Final = 60
# Keys consist of a-z and 0-9: these two end the range of one key, and that of all keys with one beginning.
_AFTER_KEY: Final = "\x01"
_AFTER_PREFIX: Final = "~"


class LeadKeys(Struct, frozen=True):
    """The keys of a lead, as they are stored with it; an unknown part is empty."""

    family: str
    first: str
    company: str

    def shared(self) -> Iterator[str]:
        """Yield the keys that the lead may share with an attendee."""
        if self.family:
            yield f"f:{self.family}"
            if self.first:
                yield f"g:{self.first}|{self.family[:_PREFIX]}"
        if self.company:
            yield f"c:{self.company}"


class Probe(Struct, frozen=True):
    """One look into an index: the rows whose first column is `key`, and whose second is in [`start`, `end`)."""

    index: KeyIndex
    key: str
    start: str = ""
    end: str = _AFTER_PREFIX


def exact_probe(index: KeyIndex, key: str, second: str) -> Probe:
    """Return the probe of the rows with these two keys."""
    return Probe(index, key, second, second + _AFTER_KEY)


def lead_keys(first_name: str | None, last_name: str | None, name: str | None, company: str | None) -> LeadKeys:
    """Return the keys of a lead, given its values as they were imported."""
    family, first = lead_name_keys(first_name, last_name, name)
    return LeadKeys(family, first, company_key(company) if company else "")


def attendee_keys(attendee: AttendeeFeatures) -> list[str]:
    """Return the keys that the attendee may share with leads that decide about a match."""
    names = {f"f:{key}" for key in family_keys(attendee)}
    pairs = {
        f"g:{one.first_key}|{one.family_key[:_PREFIX]}"
        for one in attendee.readings
        if _is_full(one.first_key) and _is_full(one.family_key)
    }
    return sorted(names | pairs | {f"c:{key}" for key in company_keys(attendee)})


def family_keys(attendee: AttendeeFeatures) -> set[str]:
    """Return the family names that the attendee may have."""
    return {one.family_key for one in attendee.readings if one.family_key} | set(_mailbox(attendee))


def company_keys(attendee: AttendeeFeatures) -> list[str]:
    """Return the companies that the attendee may work at."""
    return list(dict.fromkeys(key for key in (attendee.company.key, attendee.domain_company.key) if key))


def match_probes(attendee: AttendeeFeatures) -> list[Probe]:
    """Return where the leads are that decide about a match: each shares one of `attendee_keys`."""
    probes: list[Probe] = []
    words = _words(attendee)
    for company in company_keys(attendee):
        probes += [exact_probe("company", company, word) for word in words]
        probes += [_prefix("company", company, word[:_PREFIX]) for word in words]
    for one in attendee.readings:
        if one.family_key and one.first_key:
            probes += _probes_of_name(one.family_key, one.first_key)
        if one.first_key:
            probes += [_prefix("family", word, one.first_key[0]) for word in _mailbox(attendee)]
    return _limited(probes)


def _probes_of_name(family: str, first: str) -> Iterator[Probe]:
    if _is_full(first):
        yield from (exact_probe("family", family, name) for name in sorted(nicknames_and_long_names(first)))
        if _is_full(family):
            yield _prefix("first", first, family[:_PREFIX])
    yield _prefix("family", family, first[0])


def suggestion_probes(attendee: AttendeeFeatures) -> list[Probe]:
    """Return where more leads are that a person may want to see."""
    companies = company_keys(attendee)
    more = [Probe("company", key) for key in companies]
    more += [_prefix("company_beginning", "", key[:_COMPANY_PREFIX]) for key in companies]
    more += [Probe("family", one.family_key) for one in attendee.readings if one.family_key]
    more += [Probe("first", one.first_key) for one in attendee.readings if _is_full(one.first_key)]
    return [*match_probes(attendee), *_limited(more)]


def _words(attendee: AttendeeFeatures) -> list[str]:
    names = (key for one in attendee.readings for key in (one.family_key, one.first_key) if _is_full(key))
    return list(dict.fromkeys((*names, *_mailbox(attendee))))


def _mailbox(attendee: AttendeeFeatures) -> list[str]:
    return [word for word in attendee.mailbox if len(word) >= _MIN_MAILBOX_WORD]


def _is_full(name: str) -> bool:
    """Return whether a name is more than an initial."""
    return len(name) > 1


def _prefix(index: KeyIndex, key: str, beginning: str) -> Probe:
    return Probe(index, key, beginning, beginning + _AFTER_PREFIX)


def _limited(probes: Iterable[Probe]) -> list[Probe]:
    return list(dict.fromkeys(probes))[:_MAX_PROBES]
