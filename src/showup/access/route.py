"""Which workspace a booking belongs to, when one Cal.com account serves several."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct


class Route(Struct, frozen=True, kw_only=True):
    """Bookings that agree with all that is said here go to the workspace; what is None agrees with anything.

    `event_type` is Cal.com's slug, `organizer_domain` what follows the @ of the organizer's email.
    """

    workspace_id: UUID
    event_type: str | None = None
    team_id: int | None = None
    organizer_domain: str | None = None


class Seen(Struct, frozen=True, kw_only=True):
    """What a webhook says that routes go by."""

    event_type: str | None = None
    team_id: int | None = None
    organizer_email: str | None = None


def workspace_for(routes: Iterable[Route], seen: Seen, *, otherwise: UUID) -> UUID:
    """The workspace of the first route that agrees, in their order; the account's own when none does."""
    return next((route.workspace_id for route in routes if _agrees(route, seen)), otherwise)


def _agrees(route: Route, seen: Seen) -> bool:
    domain = seen.organizer_email.rpartition("@")[2].lower() if seen.organizer_email else None
    pairs = (
        (route.event_type, seen.event_type),
        (route.team_id, seen.team_id),
        (route.organizer_domain and route.organizer_domain.lower(), domain),
    )
    return all(wanted is None or wanted == found for wanted, found in pairs)
