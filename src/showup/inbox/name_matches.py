"""Finds the lead that an attendee surely is by name and company, for those whose address finds none (CA2)."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.campaigns import candidates
from showup.campaigns.candidates import SeatRow
from showup.campaigns.match import FoundMatch, campaign_of
from showup.campaigns.name_match.decision import ComparedLead, decide, scores
from showup.campaigns.name_match.explanation import explain
from showup.campaigns.name_match.features import attendee_features
from showup.campaigns.short_list import compare_leads
from showup.companies.company import domain_of_key
from showup.values.email_address import match_key


class NamedSeat(Struct, frozen=True, kw_only=True):
    """An attendee of a booking who may be matched by name. `ruled_out`: leads that a person said they are not."""

    booking_id: UUID
    row: SeatRow
    ruled_out: frozenset[str]


async def find_by_name(
    connection: asyncpg.Connection, workspace_id: UUID, seats: Sequence[NamedSeat]
) -> dict[tuple[UUID, str], FoundMatch]:
    """Returns the matches of those who surely are a lead, by booking and key of the attendee."""
    if not seats:
        return {}
    attendees = [
        attendee_features(one.row.name, one.row.email, one.row.company_answer, domain_of_key(one.row.company_key or ""))
        for one in seats
    ]
    compared = await compare_leads(connection, workspace_id, attendees, for_review=False)
    sure: list[tuple[NamedSeat, ComparedLead, float, dict[str, str]]] = []
    for seat, attendee, leads in zip(seats, attendees, compared, strict=True):
        decision = decide((one for one in leads if one.lead.email not in seat.ruled_out), may_match=True)
        if decision.match is not None:
            score, *_ = scores(decision.suggestions)
            evidence = explain(attendee, decision.match.lead, decision.match.comparison)
            sure.append((seat, decision.match, score, evidence))
    keys = {match_key(match.lead.email) for _, match, _, _ in sure}
    known = {one.email: one for one in await candidates.of_keys(connection, workspace_id, keys)} if keys else {}
    found = {}
    for seat, match, score, evidence in sure:
        campaign_id, because = campaign_of(known[match.lead.email].memberships, seat.row.booked_at)
        found[seat.booking_id, seat.row.key] = FoundMatch(
            attendee=seat.row.key,
            lead=match.lead.email,
            campaign_id=campaign_id,
            method="name",
            score=score,
            evidence=evidence | {"campaign": because},
        )
    return found
