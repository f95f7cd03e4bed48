"""Computes the keys by which attendees and leads of the same name or company find each other. Pure."""

from collections.abc import Mapping, Sequence

from showup.bookings.booking import Attendee, Booking
from showup.campaigns.name_match.features import attendee_features, is_shared_mailbox
from showup.campaigns.name_match.keys import attendee_keys
from showup.companies.company import domain_of_key


def name_keys(booking: Booking) -> Mapping[str, Sequence[str]]:
    """Return the keys of the attendees who may be matched by name, by `Attendee.key`.

    They have an address of their own at a company, or none at all: a personal address is only ever suggested (CA2).
    """
    return {
        one.key: attendee_keys(
            attendee_features(one.name, one.email, one.company_answer, domain_of_key(one.company_key or ""))
        )
        for one in booking.attendees
        if one.email is None or _is_at_company(one, one.email)
    }


def _is_at_company(attendee: Attendee, email: str) -> bool:
    """Return whether the address is one person's at a company; if a person named the company, it may be personal."""
    return (
        attendee.is_person
        and attendee.company_key is not None
        and attendee.assigned_company is None
        and not is_shared_mailbox(email)
    )
