"""What is written to which property, as the settings say it."""

from collections.abc import Mapping

from msgspec import Struct


class Targets(Struct, frozen=True, kw_only=True):
    """Names of properties, "" for those that are left alone, and the words that they get.

    `statuses`: the booking status by kind of news; kinds that leave it alone are left out. `reminders`: the property of
    each reminder, by the seconds that it is sent before the meeting. `has_sequences`: whether there is a database of
    email sequences.
    """

    status_property: str
    statuses: Mapping[str, str]
    day_property: str
    campaign_property: str
    campaign: str
    reminders: Mapping[int, str]
    has_sequences: bool
