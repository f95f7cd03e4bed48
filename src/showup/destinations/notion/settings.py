"""A Notion connection's settings: databases, their properties, and the values to write."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import field

from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
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
_CONTACTS: Final = "Contact’s page. Empty: the property stays as it is."
_STATUSES: Final = "Status of the contact. Empty: it stays as it is."
_SEQUENCES: Final = "Email sequences"


class NotionSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Names of databases, properties and values; "" leaves the property unchanged.

    A database is named by its id or its browser address; a data source only where a database has several.
    `sequence_reminder_properties` maps a reminder's time before the meeting (`72h`) to the property for its sending
    time; also as text, `72h=Email 5 Sent, 24h=Email 6 Sent`.
    """

    contacts_database: Annotated[
        str, described("Contact database", "Its link or its id.", example="https://www.notion.so/…")
    ] = ""
    contacts_data_source: Annotated[
        str, described("Data source of the contacts", "Only if the database has several.", is_rare=True)
    ] = ""
    email_property: Annotated[str, described("Property of the email", group=_CONTACTS)] = "Email"
    booking_status_property: Annotated[str, described("Property of the status", group=_CONTACTS)] = "Booking Status"
    call_date_property: Annotated[str, described("Property of the meeting’s date", group=_CONTACTS)] = (
        "Diagnostic Call Date"
    )
    campaign_status_property: Annotated[str, described("Property of the campaign’s status", group=_CONTACTS)] = (
        "Christmas Campaign Status"
    )
    campaign_status: Annotated[str, described("Campaign’s status when booked", group=_CONTACTS)] = "Pre-Call Prep"
    booked: Annotated[str, described("Booked", group=_STATUSES)] = "Booked"
    rescheduled: Annotated[str, described("Moved", group=_STATUSES)] = "Booked"
    cancelled: Annotated[str, described("Cancelled", group=_STATUSES)] = "Cancelled"
    reschedule_requested: Annotated[str, described("Host asks for another time", group=_STATUSES)] = ""
    no_show: Annotated[str, described("No-show", group=_STATUSES)] = "No Show"
    showed: Annotated[str, described("Showed", group=_STATUSES)] = "Showed"
    confirmed: Annotated[str, described("Attendee says that they will come", group=_STATUSES)] = ""
    sequences_database: Annotated[
        str, described("Database of the sequences", "Its link or its id. Empty: none.", group=_SEQUENCES)
    ] = ""
    sequences_data_source: Annotated[
        str, described("Data source of the sequences", "Only if the database has several.", is_rare=True)
    ] = ""
    sequence_email_property: Annotated[str, described("Property of the email", group=_SEQUENCES)] = "Email"
    sequence_campaign_property: Annotated[
        str, described("Property of the campaign", "Showup only reads it.", group=_SEQUENCES)
    ] = "Campaign"
    sequence_reminder_properties: Annotated[
        dict[str, str] | str,
        described(
            "When a reminder was sent",
            "One a line: the reminder, and the property that gets the time.",
            group=_SEQUENCES,
            example="72h = Email 5 Sent",
        ),
    ] = field(default_factory=dict)

    def check(self) -> None:
        """Raises InvalidSetting without a contact database, and for what names none."""
        if not self.contacts_database and not self.contacts_data_source:
            raise InvalidSetting(
                "contacts_database is missing: set it to the link of the database", "contacts_database"
            )
        names = ("contacts_database", "contacts_data_source", "sequences_database", "sequences_data_source")
        for name in names:
            if text := getattr(self, name):
                uuid_of(text, name)
        self.reminders()

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
        raise InvalidSetting(f"{setting} is not a Notion id: set it to the link of the database", setting)
    return str(UUID(found[-1]))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return [(span, name) for span, _, name in parts]


def _seconds(text: str) -> int:
    try:
        return round(parse_short_duration(text).total_seconds())
    except InvalidValue as error:
        because = f"sequence_reminder_properties: {text!r} {error}"
        raise InvalidSetting(because, "sequence_reminder_properties") from error
