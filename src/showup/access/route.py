"""Choose the workspace of a booking if one Cal.com account serves several workspaces."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from showup.values.domain_name import normalize_domain
from showup.values.email_address import email_domain


class Route(Struct, frozen=True, kw_only=True):
    """Send bookings that match all given fields to the workspace; a field of None matches anything.

    `event_type` is Cal.com's slug, `organizer_domain` is the part after the @ of the organizer's email.
    """

    workspace_id: UUID
    event_type: str | None = None
    team_id: int | None = None
    organizer_domain: str | None = None


class RouteAttributes(Struct, frozen=True, kw_only=True):
    """The attributes of a webhook that routes match."""

    event_type: str | None = None
    team_id: int | None = None
    organizer_email: str | None = None


def route_workspace(routes: Iterable[Route], attributes: RouteAttributes, *, default: UUID) -> UUID:
    """Return the workspace of the first matching route, or the account's own if none matches."""
    return next((route.workspace_id for route in routes if _matches(route, attributes)), default)


def _matches(route: Route, attributes: RouteAttributes) -> bool:
    domain = email_domain(attributes.organizer_email) or None
    pairs = (
        (route.event_type, attributes.event_type),
        (route.team_id, attributes.team_id),
        (route.organizer_domain and normalize_domain(route.organizer_domain), domain),
    )
    return all(expected is None or expected == actual for expected, actual in pairs)
