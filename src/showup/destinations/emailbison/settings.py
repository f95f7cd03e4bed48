"""An EmailBison connection's settings: its address, the custom variable of the status, and the statuses' names."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
from showup.destinations.record_status import (
    CANCELLED,
    CREATED,
    NO_SHOW,
    RESCHEDULE_REQUESTED,
    RESCHEDULED,
    SHOWED,
)

_LONGEST_NAME = 100
_STATUSES: Final = "Value of the variable. Empty: the variable stays as it is."


class EmailBisonSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of an EmailBison connection.

    `api_url` is the address of the instance, which each customer has for itself. `status_variable` names the custom
    variable of a lead that gets the status; empty: none. `booked`, `cancelled`, `reschedule_requested`, `no_show` and
    `showed` are its values; an empty one leaves the variable unchanged. `stop_sequence`: whether EmailBison stops to
    write to a lead who booked. `import_leads`: whether Showup reads campaigns, leads and replies.
    """

    api_url: Annotated[
        Annotated[str, Meta(max_length=2_000)] | None,
        described(
            "Address of your EmailBison",
            "Begins with https://. Another address needs the token anew.",
            example="https://dedi.emailbison.com",
            is_needed=True,
        ),
    ] = None
    import_leads: Annotated[bool, described("Read campaigns, leads and replies")] = True
    stop_sequence: Annotated[bool, described("Stop the sequences of a lead who booked")] = False
    status_variable: Annotated[
        str, described("Custom variable of the status", "Showup sets it at each lead. Empty: it sets none.")
    ] = "meeting_status"
    booked: Annotated[str, described("Booked", group=_STATUSES)] = "booked"
    cancelled: Annotated[str, described("Cancelled", group=_STATUSES)] = "cancelled"
    reschedule_requested: Annotated[str, described("Host asks for another time", group=_STATUSES)] = ""
    no_show: Annotated[str, described("No-show", group=_STATUSES)] = "no_show"
    showed: Annotated[str, described("Showed", group=_STATUSES)] = "showed"

    def __post_init__(self) -> None:
        if len(self.status_variable) > _LONGEST_NAME:
            raise InvalidSetting(f"`status_variable` may have {_LONGEST_NAME} letters", "status_variable")

    def check(self) -> None:
        """Raises InvalidSetting without an address."""
        _ = self.url

    @property
    def url(self) -> str:
        """Returns the API's address, which ends in /api. Raises ValueError where none is set."""
        if not self.api_url or not urlsplit(self.api_url).netloc:
            raise InvalidSetting(
                "emailbison has no address: set EMAILBISON_URL, or api_url, to your instance, such as "
                "https://dedi.emailbison.com",
                "api_url",
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
