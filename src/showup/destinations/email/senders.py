"""Whose address a mail comes from."""

from collections.abc import Sequence

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.links import host_of


class Sender(Struct, frozen=True, kw_only=True):
    """One row of the table of senders: `host` and `domain` in lower case; a row with neither is for all meetings."""

    address: str
    host: str | None = None
    domain: str | None = None

    def is_for(self, host: str | None, domain: str | None) -> bool:
        """Whether mail about a meeting of this booking page, or of an organizer of this domain, comes from here."""
        if self.host is None and self.domain is None:
            return True
        return (self.host is not None and self.host == host) or (self.domain is not None and self.domain == domain)


def sender_of(meeting: Meeting, senders: Sequence[Sender]) -> str | None:
    """The address of the first row that matches; None when none does."""
    host = host_of(meeting.booker_url)
    domain = (meeting.organizer_email or "").rpartition("@")[2].lower() or None
    return next((sender.address for sender in senders if sender.is_for(host, domain)), None)
