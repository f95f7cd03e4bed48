"""What a Slack connection says: which channels, which news goes to which, and when the digest of a day is due."""

import difflib
import re
from typing import Final

from msgspec import field

from showup.destinations.kind import ConnectionSettings

CHOOSE: Final = "record.choose"
CHOSEN: Final = "record.chosen"
OF_BOOKINGS: Final = (
    "booking.created",
    "booking.requested",
    "booking.rejected",
    "booking.rescheduled",
    "booking.cancelled",
    "booking.reassigned",
    "booking.location_changed",
    "booking.showed",
    "booking.no_show",
    "booking.host_absent",
)
OF_FAULTS: Final = ("delivery.failed", "destination.down", "endpoint.paused", "signatures.bad")
OF_DIGESTS: Final = ("digest.daily", "digest.weekly")
KNOWN: Final = (*OF_BOOKINGS, CHOOSE, CHOSEN, *OF_FAULTS, *OF_DIGESTS)
"""The kinds of news that can be told in a channel."""

USUAL: Final = ("booking.created", "booking.no_show", CHOOSE, CHOSEN, *OF_FAULTS, *OF_DIGESTS)
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")
_HOUR: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class SlackSettings(ConnectionSettings, frozen=True, kw_only=True):
    """`channel` and the values of `channels` are ids of channels, the latter by kinds of news that go elsewhere.

    `notices` are the kinds that are told. `digest_at` is a time of day in the workspace's zone.
    """

    channel: str
    channels: dict[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = USUAL
    digest_at: str = "08:00"

    def __post_init__(self) -> None:
        for channel in (self.channel, *self.channels.values()):
            if not _CHANNEL.fullmatch(channel):
                raise ValueError(f"{channel!r} is no id of a channel such as C0123456789: its details end with it")
        for kind in (*self.notices, *self.channels):
            if kind not in KNOWN:
                near = difflib.get_close_matches(kind, KNOWN, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KNOWN)}"
                raise ValueError(f"there is no kind of news {kind!r} for Slack ({hint})")
        if not _HOUR.fullmatch(self.digest_at):
            raise ValueError(f"`digest_at` is {self.digest_at!r}: it should be a time of day such as 08:00")

    def channel_of(self, kind: str) -> str:
        """Where news of a kind goes; an answer goes where its question went."""
        return self.channels.get(CHOOSE if kind == CHOSEN else kind, self.channel)

    @property
    def every_channel(self) -> tuple[str, ...]:
        """All channels that something is told in."""
        return tuple(dict.fromkeys(self.channel_of(kind) for kind in self.notices)) or (self.channel,)
