"""The properties that the settings name, and the values for them."""

from collections.abc import Mapping

from msgspec import Struct


class Targets(Struct, frozen=True, kw_only=True):
    """Names of properties, "" for those left unchanged, and the words to write.

    `statuses`: the booking status by event kind; kinds that leave it unchanged are absent. `reminders`: the property of
    each reminder, by its seconds before the meeting. `has_sequences`: whether there is a database of email sequences.
    """

    status_property: str
    statuses: Mapping[str, str]
    day_property: str
    campaign_property: str
    campaign: str
    reminders: Mapping[int, str]
    has_sequences: bool
