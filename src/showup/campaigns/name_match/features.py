"""Builds from the words of attendees and leads what is compared of them. Pure."""

from typing import Final

from showup.campaigns.name_match.company_name import NO_COMPANY, company_name, of_domain
from showup.campaigns.name_match.evidence import AttendeeFeatures, LeadFeatures
from showup.campaigns.name_match.person_name import ComparedName, lead_name, readings, words_of_mailbox

# Mailboxes that several people read: RFC 2142, and the usual ones beside it. Their words name nobody.
_SHARED_NAMES: Final = """
    info hello contact office sales marketing support help admin team mail booking bookings enquiries inquiries jobs
    hr billing accounts accounting finance press service kontakt noreply webmaster postmaster abuse security
"""
_SHARED: Final = frozenset(_SHARED_NAMES.split())
_MIN_PART: Final = 3
"""Letters that a name in a mailbox has at least."""


def attendee_features(name: str | None, email: str | None, company: str | None, domain: str | None) -> AttendeeFeatures:
    """Return what is compared of an attendee. `company`: the one they named; `domain`: that of their company."""
    names = readings(name or "")
    mailbox = () if email is None or is_shared_mailbox(email) else _mailbox_words(email, names)
    return AttendeeFeatures(
        label=name or "",
        company_label=company or domain or "",
        readings=names,
        company=company_name(company) if company else NO_COMPANY,
        domain=domain,
        domain_company=of_domain(domain) if domain else NO_COMPANY,
        mailbox=mailbox,
    )


def lead_features(
    email: str, first_name: str | None, last_name: str | None, name: str | None, company: str | None
) -> LeadFeatures:
    """Return what is compared of a lead, given its values as they were imported."""
    return LeadFeatures(
        email=email,
        label=name or " ".join(part for part in (first_name, last_name) if part),
        company_label=company or "",
        name=lead_name(first_name, last_name, name),
        company=company_name(company) if company else NO_COMPANY,
        domain=email.rpartition("@")[2],
    )


def _mailbox_words(email: str, names: tuple[ComparedName, ...]) -> tuple[str, ...]:
    """Return the words of the mailbox, and what is left of each beside a given name: `lee` in `annlee@` for Ann."""
    words = words_of_mailbox(email.rpartition("@")[0])
    first_names = {one.first_key for one in names if len(one.first_key) >= _MIN_PART}
    rests = (rest for word in words for first in sorted(first_names) for rest in _rests(word, first))
    return tuple(dict.fromkeys((*words, *rests)))


def _rests(word: str, first_name: str) -> list[str]:
    rests = (word.removeprefix(first_name), word.removesuffix(first_name))
    return [rest for rest in rests if rest != word and len(rest) >= _MIN_PART]


def is_shared_mailbox(email: str) -> bool:
    """Return whether several people read this mailbox, as far as its name says."""
    return email.rpartition("@")[0].partition("+")[0] in _SHARED
