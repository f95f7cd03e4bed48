"""The pages of the navigation. The sidebar, the menu of a phone, the palette and the help of keys show this list."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from showup.access.permission import Permission, Scope


class NavPage(Struct, frozen=True, kw_only=True):
    """A page: `name` is what its template calls `here`, `path` is relative to the home page, `keys` lead to it.

    `scope` is what a teammate needs. `counted` names the count of `reads.shell.Shell` that stands beside it, and
    `counted_words` say what it counts; `tone`: `warn` where a person has to decide, `bad` where something is broken.
    """

    name: str
    title: str
    path: str
    icon: str
    keys: str = ""
    scope: Scope = "read"
    counted: str = ""
    counted_words: str = ""
    tone: str = "warn"
    is_tab: bool = False
    """The bar at the bottom of a phone has it."""


class NavGroup(Struct, frozen=True, kw_only=True):
    """Pages under one heading; the first has none."""

    title: str
    pages: Sequence[NavPage]

    def pages_for(self, permission: Permission) -> list[NavPage]:
        """Return the pages that somebody may open."""
        return [one for one in self.pages if permission.allows(one.scope)]


NAV_GROUPS: Final = (
    NavGroup(
        title="",
        pages=(
            NavPage(
                name="today",
                title="Today",
                path="",
                icon="today",
                keys="g t",
                counted="unreported",
                counted_words="outcomes missing",
                is_tab=True,
            ),
            NavPage(name="pipeline", title="Pipeline", path="pipeline", icon="pipeline", keys="g p", is_tab=True),
            NavPage(name="outcomes", title="Outcomes", path="outcomes", icon="check", keys="g r"),
        ),
    ),
    NavGroup(
        title="Records",
        pages=(
            NavPage(name="deals", title="Deals", path="deals?status=active&sort=next_meeting", icon="deal", keys="g d"),
            NavPage(name="bookings", title="Bookings", path="bookings", icon="booking", keys="g b"),
            NavPage(name="people", title="People", path="people", icon="person"),
            NavPage(name="companies", title="Companies", path="companies", icon="company"),
        ),
    ),
    NavGroup(
        title="Learn",
        pages=(
            NavPage(name="funnel", title="Funnel", path="funnel", icon="funnel", keys="g f", is_tab=True),
            NavPage(name="analysis", title="Analysis", path="analysis", icon="analysis", keys="g a"),
        ),
    ),
    NavGroup(
        title="Operations",
        pages=(
            NavPage(name="unmatched", title="Unmatched", path="unmatched", icon="unmatched", keys="g u"),
            NavPage(
                name="deliveries",
                title="Deliveries",
                path="deliveries",
                icon="delivery",
                counted="failed",
                counted_words="failed in 7 days",
                tone="bad",
            ),
            NavPage(name="events", title="Events", path="events", icon="event"),
            NavPage(name="connections", title="Connections", path="connections", icon="plug"),
        ),
    ),
    NavGroup(
        title="Settings",
        pages=(
            NavPage(name="assistant", title="Assistant", path="assistant", icon="assistant"),
            NavPage(name="settings", title="Settings", path="settings", icon="settings"),
            NavPage(name="setup", title="First steps", path="setup", icon="tasks", scope="admin"),
        ),
    ),
)
