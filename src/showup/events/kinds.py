"""The kinds of changes that subscribers can receive. They are part of the public API."""

from typing import Literal, TypeAlias

AnnouncementKind: TypeAlias = Literal[
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
]

DealAnnouncementKind: TypeAlias = Literal[
    "deal.created",
    "deal.stage_changed",
    "deal.won",
    "deal.lost",
    "deal.cancelled",
    "deal.reopened",
    "deal.reassigned",
    "deal.changed",
]
"""The kinds of deal announcements; `deal.changed`: its amount or currency."""
