"""A Slack connection's settings: which Slack messages each channel gets, by their kinds, and the digest's time."""

import difflib
import re
from typing import Final

from msgspec import field

from showup.destinations.destination_kind import ConnectionSettings
from showup.values.invalid_value import InvalidValue
from showup.values.time_of_day import parse_time_of_day

CHOOSE: Final = "record.choose"
CHOSEN: Final = "record.chosen"
OUTCOME: Final = "outcome"
APPROVAL_ASKED: Final = "approval.asked"
APPROVAL_DECIDED: Final = "approval.decided"
APPROVAL_EVENTS: Final = (APPROVAL_ASKED, APPROVAL_DECIDED)
BOOKING_EVENTS: Final = (
    "booking.created",
    "booking.requested",
    "booking.rejected",
    "booking.rescheduled",
    "booking.cancelled",
    "booking.reassigned",
    "booking.location_changed",
    "booking.confirmed",
    "booking.showed",
    "booking.no_show",
    "booking.host_absent",
    "proposal.requested",
)
ALERT_EVENTS: Final = ("delivery.failed", "destination.down", "endpoint.paused", "signatures.bad")
DIGEST_EVENTS: Final = ("digest.daily", "digest.weekly")
EVENT_KINDS: Final = (*BOOKING_EVENTS, OUTCOME, CHOOSE, CHOSEN, *APPROVAL_EVENTS, *ALERT_EVENTS, *DIGEST_EVENTS)
"""The event kinds that a channel can receive."""

DEFAULT_EVENTS: Final = (
    *("booking.created", "booking.no_show", OUTCOME, CHOOSE, CHOSEN),
    *APPROVAL_EVENTS,
    *ALERT_EVENTS,
    *DIGEST_EVENTS,
)
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")


class SlackSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Slack connection.

    `channel` and the values of `channels` are channel ids; `channels` maps the event kinds that go to another channel.
    `notices` are the kinds that are sent. `digest_at` is a time of day in the workspace's time zone.
    """

    channel: str
    channels: dict[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = DEFAULT_EVENTS
    digest_at: str = "08:00"

    def __post_init__(self) -> None:
        for channel in (self.channel, *self.channels.values()):
            if not _CHANNEL.fullmatch(channel):
                raise ValueError(
                    f"{channel!r} is not a channel id such as C0123456789: see the end of its details in Slack"
                )
        for kind in (*self.notices, *self.channels):
            if kind not in EVENT_KINDS:
                near = difflib.get_close_matches(kind, EVENT_KINDS, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EVENT_KINDS)}"
                raise ValueError(f"Slack has no event type {kind!r} ({hint})")
        try:
            parse_time_of_day(self.digest_at)
        except InvalidValue as error:
            raise ValueError(f"`digest_at` is {self.digest_at!r}: set {error.expected}") from error

    def channel_of(self, kind: str) -> str:
        """Returns the channel for an event kind; an answer goes to its question's channel."""
        asked = {CHOSEN: CHOOSE, APPROVAL_DECIDED: APPROVAL_ASKED}
        return self.channels.get(asked.get(kind, kind), self.channel)

    @property
    def all_channels(self) -> tuple[str, ...]:
        """Returns all channels that receive messages."""
        return tuple(dict.fromkeys(self.channel_of(kind) for kind in self.notices)) or (self.channel,)
