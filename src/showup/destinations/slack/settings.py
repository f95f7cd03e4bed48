"""A Slack connection's settings: which Slack messages each channel gets, by their kinds, and the digest's time."""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import field

from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
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
_WORDS: Final[Mapping[str, str]] = {
    "booking.created": "New booking",
    "booking.requested": "Booking that waits for a yes",
    "booking.rejected": "Booking rejected",
    "booking.rescheduled": "Meeting moved",
    "booking.cancelled": "Meeting cancelled",
    "booking.reassigned": "Another host",
    "booking.location_changed": "Another place",
    "booking.confirmed": "Attendee says that they will come",
    "booking.showed": "Attendee showed",
    "booking.no_show": "No-show",
    "booking.host_absent": "Host absent",
    "proposal.requested": "Proposal wanted",
    OUTCOME: "Host is asked how it went",
    CHOOSE: "Question: which record?",
    CHOSEN: "Which record was chosen",
    APPROVAL_ASKED: "Assistant asks for a change",
    APPROVAL_DECIDED: "Change granted or denied",
    "delivery.failed": "Delivery failed",
    "destination.down": "Destination down",
    "endpoint.paused": "Webhook paused",
    "signatures.bad": "Wrong signatures",
    "digest.daily": "Daily digest",
    "digest.weekly": "Weekly digest",
}
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")


class SlackSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Slack connection.

    `channel` and the values of `channels` are channel ids; `channels` maps the event kinds that go to another channel.
    `notices` are the kinds that are sent. `digest_at` is a time of day in the workspace's time zone.
    """

    channel: Annotated[
        str, described("Channel", "Its id, at the end of its details in Slack; names change.", example="C0123456789")
    ]
    notices: Annotated[tuple[str, ...], described("What Showup posts", choices=_WORDS)] = DEFAULT_EVENTS
    digest_at: Annotated[str, described("Time of the digest", "In the workspace’s time zone.")] = "08:00"
    channels: Annotated[
        dict[str, str],
        described(
            "Other channels for some messages",
            "One a line: the kind of message, and the channel’s id. Kinds are named in the documentation.",
            example="delivery.failed = C9876543210",
            is_rare=True,
        ),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, channels in (("channel", (self.channel,)), ("channels", tuple(self.channels.values()))):
            for channel in channels:
                if not _CHANNEL.fullmatch(channel):
                    because = (
                        f"{channel!r} is not a channel id such as C0123456789: see the end of its details in Slack"
                    )
                    raise InvalidSetting(because, name)
        for name, kinds in (("notices", self.notices), ("channels", tuple(self.channels))):
            for kind in kinds:
                if kind not in EVENT_KINDS:
                    near = difflib.get_close_matches(kind, EVENT_KINDS, n=1)
                    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EVENT_KINDS)}"
                    raise InvalidSetting(f"Slack has no event type {kind!r} ({hint})", name)
        try:
            parse_time_of_day(self.digest_at)
        except InvalidValue as error:
            because = f"`digest_at` is {self.digest_at!r}: set {error.expected}"
            raise InvalidSetting(because, "digest_at") from error

    def channel_of(self, kind: str) -> str:
        """Returns the channel for an event kind; an answer goes to its question's channel."""
        asked = {CHOSEN: CHOOSE, APPROVAL_DECIDED: APPROVAL_ASKED}
        return self.channels.get(asked.get(kind, kind), self.channel)

    @property
    def all_channels(self) -> tuple[str, ...]:
        """Returns all channels that receive messages."""
        return tuple(dict.fromkeys(self.channel_of(kind) for kind in self.notices)) or (self.channel,)
