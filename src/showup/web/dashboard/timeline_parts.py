"""The pieces of a timeline's lines, and what its sentences need to know."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from showup.web.dashboard.words import Viewer


class Part(Struct, frozen=True):
    """A piece of a sentence; text from outside is shown in its own direction."""

    text: str
    is_strong: bool = False
    href: str | None = None


class Mark(Struct, frozen=True):
    """What stands before a line: an icon, the glyph of an attendance, or a stage as a ring (`share` from 0 to 1)."""

    kind: Literal["icon", "glyph", "ring"]
    name: str = ""
    share: float = 0.0


class MeetingNames(Struct, frozen=True, kw_only=True):
    """How a line names a meeting: its kind, its booker, and where they are. `href`: None on the meeting's own page."""

    kind: str
    person: str
    time_zone: str | None
    end_time: datetime
    minutes: int
    href: str | None


class TimelineContext(Struct, frozen=True, kw_only=True):
    """What the sentences need: the viewer and their name in the log, the meetings by id, and the stages in order.

    `undoable`: the event of the last change of the deal, if it can be taken back. `approvals`: what assistants did and
    can be undone, by event.
    """

    viewer: Viewer
    actor: str
    meetings: Mapping[UUID, MeetingNames]
    stages: Sequence[str]
    undoable: UUID | None = None
    approvals: Mapping[UUID, UUID] = {}

    def share(self, stage: str) -> float:
        """Return how far along a stage is, from 0 to 1."""
        last = max(len(self.stages) - 1, 1)
        return self.stages.index(stage) / last if stage in self.stages else 0.0

    def meeting(self, booking_id: UUID | None) -> MeetingNames | None:
        """Return the meeting's names."""
        return None if booking_id is None else self.meetings.get(booking_id)
