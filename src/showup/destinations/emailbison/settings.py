"""An EmailBison connection's settings: its address, the custom variable of the status, and the statuses' names."""

from urllib.parse import urlsplit

from showup.destinations.destination_kind import ConnectionSettings
from showup.destinations.record_status import (
    CANCELLED,
    CREATED,
    NO_SHOW,
    RESCHEDULE_REQUESTED,
    RESCHEDULED,
    SHOWED,
)

_LONGEST_NAME = 100


class EmailBisonSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of an EmailBison connection.

    `api_url` is the address of the instance, which each customer has for itself. `status_variable` names the custom
    variable of a lead that gets the status; empty: none. `booked`, `cancelled`, `reschedule_requested`, `no_show` and
    `showed` are its values; an empty one leaves the variable unchanged. `stop_sequence`: whether EmailBison stops to
    write to a lead who booked. `import_leads`: whether Showup reads campaigns, leads and replies.
    """

    status_variable: str = "meeting_status"
    booked: str = "booked"
    cancelled: str = "cancelled"
    reschedule_requested: str = ""
    no_show: str = "no_show"
    showed: str = "showed"
    stop_sequence: bool = False
    import_leads: bool = True

    def __post_init__(self) -> None:
        if len(self.status_variable) > _LONGEST_NAME:
            raise ValueError(f"`status_variable` may have {_LONGEST_NAME} letters")

    @property
    def url(self) -> str:
        """Returns the API's address, which ends in /api. Raises ValueError where none is set."""
        if not self.api_url or not urlsplit(self.api_url).netloc:
            raise ValueError(
                "emailbison has no address: set EMAILBISON_URL, or api_url, to your instance, such as "
                "https://dedi.emailbison.com"
            )
        return f"{self.api_url.rstrip('/').removesuffix('/api')}/api"

    @property
    def events(self) -> frozenset[str]:
        """Returns the event kinds that it receives."""
        kinds = {CREATED} if self.stop_sequence else set()
        if self.status_variable:
            kinds |= {event for event in (CREATED, RESCHEDULED, CANCELLED, NO_SHOW, SHOWED) if self.status_for(event)}
            kinds |= {CANCELLED} if self.reschedule_requested else set()
        return frozenset(kinds)

    def status_for(self, event: str) -> str:
        """Returns a lead's status after an event, as `record_status.event_of` names it; empty: unchanged."""
        statuses = {
            CREATED: self.booked,
            RESCHEDULED: self.booked,
            CANCELLED: self.cancelled,
            RESCHEDULE_REQUESTED: self.reschedule_requested,
            NO_SHOW: self.no_show,
            SHOWED: self.showed,
        }
        return statuses.get(event, "") if self.status_variable else ""

    @property
    def missed_statuses(self) -> tuple[str, ...]:
        """Returns the statuses of meetings that do not take place, or did not."""
        return tuple(filter(None, (self.cancelled, self.reschedule_requested, self.no_show)))
