"""A Notion connection's settings: databases, their properties, and the values to write."""

import re
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import field

from showup.destinations.destination_kind import ConnectionSettings
from showup.destinations.notion.render import Targets
from showup.destinations.record_status import (
    CANCELLED,
    CONFIRMED,
    CREATED,
    NO_SHOW,
    RESCHEDULE_REQUESTED,
    RESCHEDULED,
    SHOWED,
)
from showup.values.duration import parse_short_duration
from showup.values.invalid_value import InvalidValue

_ID = re.compile(r"[0-9a-fA-F]{32}")


class NotionSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Names of databases, properties and values; "" leaves the property unchanged.

    A database is named by its id or its browser address; a data source only where a database has several.
    `sequence_reminder_properties` maps a reminder's time before the meeting (`72h`) to the property for its sending
    time; also as text, `72h=Email 5 Sent, 24h=Email 6 Sent`.
    """

    contacts_database: str = ""
    contacts_data_source: str = ""
    email_property: str = "Email"
    booking_status_property: str = "Booking Status"
    booked: str = "Booked"
    rescheduled: str = "Booked"
    cancelled: str = "Cancelled"
    reschedule_requested: str = ""
    no_show: str = "No Show"
    showed: str = "Showed"
    confirmed: str = ""
    call_date_property: str = "Diagnostic Call Date"
    campaign_status_property: str = "Christmas Campaign Status"
    campaign_status: str = "Pre-Call Prep"
    sequences_database: str = ""
    sequences_data_source: str = ""
    sequence_email_property: str = "Email"
    sequence_campaign_property: str = "Campaign"
    sequence_reminder_properties: dict[str, str] | str = field(default_factory=dict)

    @property
    def has_sequences(self) -> bool:
        """Returns whether there is a database of email sequences."""
        return bool(self.sequences_database or self.sequences_data_source)

    def targets(self) -> Targets:
        """Returns the targets of each value. Raises ValueError."""
        statuses = {
            CREATED: self.booked,
            RESCHEDULED: self.rescheduled,
            CANCELLED: self.cancelled,
            RESCHEDULE_REQUESTED: self.reschedule_requested,
            NO_SHOW: self.no_show,
            SHOWED: self.showed,
            CONFIRMED: self.confirmed,
        }
        return Targets(
            status_property=self.booking_status_property,
            statuses={kind: word for kind, word in statuses.items() if word and self.booking_status_property},
            day_property=self.call_date_property,
            campaign_property=self.campaign_status_property if self.campaign_status else "",
            campaign=self.campaign_status,
            reminders=self.reminders(),
            has_sequences=self.has_sequences,
        )

    def reminders(self) -> dict[int, str]:
        """Returns the property of each reminder, by its seconds before the meeting. Raises ValueError."""
        configured = self.sequence_reminder_properties
        pairs = configured.items() if isinstance(configured, dict) else _pairs(configured)
        return {_seconds(span): name.strip() for span, name in pairs if name.strip()}


def uuid_of(text: str, setting: str) -> str:
    """Returns the id in an id or a Notion address, in Notion's form. Raises ValueError."""
    # An address ends in the id; the part after the question mark is the id of a view.
    found = _ID.findall(urlsplit(text.strip()).path.replace("-", ""))
    if not found:
        raise ValueError(f"{setting} is not a Notion id: set it to the link of the database")
    return str(UUID(found[-1]))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return [(span, name) for span, _, name in parts]


def _seconds(text: str) -> int:
    try:
        return round(parse_short_duration(text).total_seconds())
    except InvalidValue as error:
        raise ValueError(f"sequence_reminder_properties: {text!r} {error}") from error
