"""Computes the keys by which attendees and leads of the same name or company find each other. Pure."""

from collections.abc import Mapping, Sequence

from showup.bookings.booking import Booking
from showup.campaigns.name_match.features import attendee_features, is_shared_mailbox
from showup.campaigns.name_match.keys import attendee_keys
from showup.companies.company import domain_of_key


def name_keys(booking: Booking) -> Mapping[str, Sequence[str]]:
    """Return the keys of the attendees who may be matched by name: those with an address of their own at a company.

    A personal address is only ever suggested (CA2). That of an attendee whom a person assigned to a company may be one.
    """
    return {
        one.email: attendee_keys(
            attendee_features(one.name, one.email, one.company_answer, domain_of_key(one.company_key))
        )
        for one in booking.attendees
        if one.is_person
        and one.email is not None
        and one.company_key is not None
        and one.assigned_company is None
        and not is_shared_mailbox(one.email)
    }
