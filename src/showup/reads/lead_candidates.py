"""Finds the leads that an unmatched attendee may be, for a person to choose from (CA3)."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.campaigns.lead import lead_id
from showup.campaigns.name_match.decision import ComparedLead, decide, scores
from showup.campaigns.name_match.evidence import AttendeeFeatures
from showup.campaigns.name_match.explanation import explain
from showup.campaigns.name_match.features import attendee_features
from showup.campaigns.short_list import compare_leads
from showup.companies.company import domain_of_key
from showup.database.engine import driver_connection
from showup.database.tables import matches
from showup.reads.rows import Item


async def candidates_of(tx: AsyncConnection, rows: Sequence[Item]) -> dict[UUID, list[Item]]:
    """Returns up to five leads for each of these rows of `unmatched_bookings`, by its id, the likeliest first.

    Leads that a person ruled out for the attendee are left out.
    """
    ruled_out = await _ruled_out(tx, rows)
    found: dict[UUID, list[Item]] = {}
    for workspace_id in dict.fromkeys(row["workspace_id"] for row in rows):
        own = [row for row in rows if row["workspace_id"] == workspace_id]
        attendees = [_features(row) for row in own]
        compared = await compare_leads(await driver_connection(tx), workspace_id, attendees, for_review=True)
        for row, attendee, leads in zip(own, attendees, compared, strict=True):
            excluded = ruled_out.get((row["booking_id"], row["attendee"]), ())
            near = (one for one in leads if one.lead.email not in excluded)
            found[row["id"]] = _items(workspace_id, attendee, decide(near, may_match=False).suggestions)
    return found


def _features(row: Item) -> AttendeeFeatures:
    domain = domain_of_key(row["company_key"] or "")
    return attendee_features(row["name"], row["email"], row["company_answer"], domain)


def _items(workspace_id: UUID, attendee: AttendeeFeatures, suggestions: Sequence[ComparedLead]) -> list[Item]:
    return [
        {
            "lead": {
                "id": lead_id(workspace_id, one.lead.email),
                "email": one.lead.email,
                "name": one.lead.label or None,
                "company": one.lead.company_label or None,
            },
            "score": score,
            "evidence": explain(attendee, one.lead, one.comparison),
        }
        for one, score in zip(suggestions, scores(suggestions), strict=True)
    ]


async def _ruled_out(tx: AsyncConnection, rows: Iterable[Item]) -> dict[tuple[UUID, str], set[str]]:
    pairs = [(row["booking_id"], row["attendee"]) for row in rows]
    query = select(matches.c.booking_id, matches.c.attendee, matches.c.lead_email).where(
        tuple_(matches.c.booking_id, matches.c.attendee).in_(pairs), matches.c.state == "undone"
    )
    found: dict[tuple[UUID, str], set[str]] = {}
    for booking_id, attendee, lead in await tx.execute(query):
        found.setdefault((booking_id, attendee), set()).add(lead)
    return found
