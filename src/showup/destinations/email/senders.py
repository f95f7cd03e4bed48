"""Chooses the sender address of a mail."""

from collections.abc import Sequence

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.links import host_of
from showup.values.email_address import email_domain


class SenderRule(Struct, frozen=True, kw_only=True):
    """One row of the sender table: `host` and `domain` in lower case; a row with neither matches all meetings."""

    address: str
    host: str | None = None
    domain: str | None = None

    def matches(self, host: str | None, domain: str | None) -> bool:
        """Returns whether the row matches a meeting of this booking page, or of an organizer with this domain."""
        if self.host is None and self.domain is None:
            return True
        return (self.host is not None and self.host == host) or (self.domain is not None and self.domain == domain)


def sender_for(meeting: Meeting, senders: Sequence[SenderRule]) -> str | None:
    """Returns the address of the first row that matches; None when none does."""
    host = host_of(meeting.booker_url)
    domain = email_domain(meeting.organizer_email) or None
    return next((sender.address for sender in senders if sender.matches(host, domain)), None)
