"""What a funnel counts, one by one, from bookings, attendees, matches and deals: the plain way (CA4, CA5)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.reads.funnel_filter import Dimension, FunnelFilter

Seat: TypeAlias = dict[str, Any]
Counts: TypeAlias = Counter[str]

_SEATS = """
    SELECT n.lead_email AS lead, n.campaign_id AS campaign, n.workspace_id AS workspace, c.source,
           m.sender_email AS sender, coalesce(m.step, nullif(m.sent, 0)) AS step, m.first_sent_at,
           b.organizer_email AS organizer, b.simulated,
           coalesce(a.booked_at, b.booked_at) AS booked_at, b.start_time, coalesce(b.end_time, b.start_time) AS over_at,
           a.attended, a.attendance_evidence = 'reported' AS reported, b.host_absent
    FROM matches n JOIN bookings b ON b.id = n.booking_id
    JOIN booking_attendees a ON a.booking_id = n.booking_id AND a.attendee_key = n.attendee
    JOIN campaigns c ON c.workspace_id = n.workspace_id AND c.id = n.campaign_id
    LEFT JOIN campaign_leads m ON m.lead_id = n.lead_id AND m.campaign_id = n.campaign_id
    WHERE n.state = 'matched' AND n.workspace_id = :workspace_id
    AND (b.status = 'ACCEPTED' AND a.cancelled_at IS NULL OR a.attended)
"""
# Those whom no campaign brought, also without an address. Organizers and teammates have no key.
_UNMATCHED = """
    SELECT coalesce(a.email, a.phone, b.id::text || ' ' || a.position) AS who, b.workspace_id AS workspace,
           b.organizer_email AS organizer, b.simulated, NULL AS campaign, NULL AS step, NULL AS sender,
           'unknown' AS source, coalesce(a.booked_at, b.booked_at) AS booked_at, b.start_time,
           coalesce(b.end_time, b.start_time) AS over_at,
           a.attended, a.attendance_evidence = 'reported' AS reported, b.host_absent
    FROM bookings b JOIN booking_attendees a ON a.booking_id = b.id AND a.attendee_key IS NOT NULL
    WHERE b.workspace_id = :workspace_id AND (b.status = 'ACCEPTED' AND a.cancelled_at IS NULL OR a.attended)
    AND NOT EXISTS (
        SELECT FROM matches n WHERE n.booking_id = b.id AND n.attendee = a.attendee_key AND n.state = 'matched')
"""
_DEALS = """
    SELECT d.id, d.amount, d.currency, d.closed_at, b.organizer_email AS organizer, b.simulated,
           d.workspace_id AS workspace, n.campaign_id AS campaign, coalesce(c.source, 'unknown') AS source,
           nullif(coalesce(m.step, m.sent), 0) AS step, m.sender_email AS sender, m.first_sent_at,
           (n.id IS NULL, a.company_key IS DISTINCT FROM o.key, coalesce(a.booked_at, b.booked_at), b.start_time,
            a.position) AS place
    FROM deals d JOIN companies o ON o.id = d.company_id
    JOIN bookings b ON b.deal_id = d.id OR EXISTS (
        SELECT FROM deal_events e WHERE e.deal_id = d.id AND e.booking_id = b.id)
    JOIN booking_attendees a ON a.booking_id = b.id AND a.attendee_key IS NOT NULL
    LEFT JOIN matches n ON n.booking_id = b.id AND n.attendee = a.attendee_key AND n.state = 'matched'
    LEFT JOIN campaigns c ON c.workspace_id = d.workspace_id AND c.id = n.campaign_id
    LEFT JOIN campaign_leads m ON m.lead_id = n.lead_id AND m.campaign_id = n.campaign_id
    WHERE d.status = 'won' AND d.workspace_id = :workspace_id
    ORDER BY place
"""


async def count_people(
    tx: AsyncConnection, wanted: FunnelFilter, keys: Sequence[Dimension], now: datetime
) -> dict[tuple[Any, ...], Counts]:
    """Returns the counts of each group, and those of all under the key ()."""
    people: dict[tuple[Any, ...], list[Seat]] = defaultdict(list)
    merges = await tx.execute(
        text("SELECT gone, stays FROM merges WHERE workspace_id = :id"), {"id": wanted.workspace_id}
    )
    stays = {row.gone: row.stays for row in merges}
    for row in (await tx.execute(text(_SEATS), {"workspace_id": wanted.workspace_id})).mappings():
        seat = dict(row)
        if _is_wanted(seat, wanted):
            for key in {(), tuple(seat[name] for name in keys)}:
                people[key, _person(seat["lead"], stays)].append(seat)
    for seat in await unmatched_seats(tx, wanted) if keys and wanted.has_others(keys) else []:
        people[tuple(seat[name] for name in keys), ("unmatched", seat["who"])].append(seat)
    counts: dict[tuple[Any, ...], Counts] = defaultdict(Counter)
    for (key, _), seats in people.items():
        counts[key].update(_numbers(seats, wanted, now))
    return counts


async def unmatched_seats(tx: AsyncConnection, wanted: FunnelFilter) -> list[Seat]:
    """Returns the seats of people whom no campaign brought."""
    rows = await tx.execute(text(_UNMATCHED), {"workspace_id": wanted.workspace_id})
    return [seat for row in rows.mappings() if _is_wanted(seat := dict(row), wanted, is_lead=False)]


async def count_unmatched(tx: AsyncConnection, wanted: FunnelFilter, now: datetime) -> Counts:
    """Returns the counts of people whom no campaign brought, all in one group."""
    people: dict[str, list[Seat]] = defaultdict(list)
    for seat in await unmatched_seats(tx, wanted):
        people[seat["who"]].append(seat)
    counts: Counts = Counter()
    for seats in people.values():
        counts.update(_numbers(seats, wanted, now))
    return counts


async def count_deals(
    tx: AsyncConnection, wanted: FunnelFilter, keys: Sequence[Dimension]
) -> dict[tuple[Any, ...], tuple[int, Decimal]]:
    """Returns how many deals were won in each group, and their sum; of all that campaigns brought under the key ()."""
    first: dict[UUID, Seat] = {}
    for row in (await tx.execute(text(_DEALS), {"workspace_id": wanted.workspace_id})).mappings():
        is_chosen = _is_of_booking(row, wanted) and (wanted.basis == "cohort" or _within(row["closed_at"], wanted))
        if is_chosen and (row["campaign"] is not None or wanted.has_others(keys)):
            first.setdefault(row["id"], dict(row))
    found: dict[tuple[Any, ...], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for deal in first.values():
        if _is_of_campaign(deal, wanted):
            group = tuple(deal[name] for name in keys)
            for key in {(), group} if deal["campaign"] is not None else {group} - {()}:
                number, amount = found[key]
                found[key] = number + 1, amount + deal["amount"]
    return dict(found)


def _person(lead: str, stays: dict[str, str]) -> str:
    while lead in stays:
        lead = stays[lead]
    return lead


def _is_wanted(seat: Seat, wanted: FunnelFilter, *, is_lead: bool = True) -> bool:
    return _is_of_booking(seat, wanted) and (not is_lead or _is_of_campaign(seat, wanted))


def _is_of_booking(seat: Mapping[str, Any], wanted: FunnelFilter) -> bool:
    is_organizer = not wanted.organizers or seat["organizer"] in wanted.organizers
    return is_organizer and (wanted.simulated == "all" or seat["simulated"] is (wanted.simulated == "true"))


def _is_of_campaign(seat: Seat, wanted: FunnelFilter) -> bool:
    return (
        (not wanted.campaign_ids or seat["campaign"] in wanted.campaign_ids)
        and (not wanted.sources or seat["source"] in wanted.sources)
        and (wanted.basis == "activity" or _within(seat["first_sent_at"], wanted))
    )


def _within(at: datetime | None, wanted: FunnelFilter) -> bool:
    if wanted.since is None and wanted.until is None:
        return True
    is_late = at is not None and (wanted.since is None or at >= wanted.since)
    return is_late and at is not None and (wanted.until is None or at < wanted.until)


def _numbers(seats: list[Seat], wanted: FunnelFilter, now: datetime) -> list[str]:
    """Returns the numbers for which a person counts."""

    def counts(at: datetime) -> bool:
        return wanted.basis == "cohort" or _within(at, wanted)

    latest = max(seats, key=lambda seat: (seat["booked_at"], seat["start_time"], seat["over_at"], _fate(seat)))
    shows = [seat for seat in seats if _fate(seat) == 1] or [seat for seat in seats if _fate(seat) == 2]
    shown = max(shows, key=lambda seat: seat["start_time"]) if shows else latest
    reports = [seat for seat in seats if _fate(seat) == 1 or (_fate(seat) == 3 and seat["reported"])]
    outcome = _outcome(_fate(shown), is_over=latest["over_at"] <= now)
    found = ["booked"] if counts(latest["booked_at"]) else []
    found += [outcome] if counts(shown["start_time"]) else []
    if reports:
        last = max(reports, key=lambda seat: (seat["start_time"], seat["over_at"], _fate(seat) == 1))
        is_known = last["over_at"] <= now and counts(last["start_time"])
        found += ["held" if last["attended"] else "missed"] if is_known else []
    elif outcome in ("showed_assumed", "no_show", "unreported") and counts(shown["start_time"]):
        found += ["open"]
    return found


def _fate(seat: Seat) -> int:
    if seat["attended"] is None:
        return 4 if seat["host_absent"] else 5
    return (1 if seat["reported"] else 2) if seat["attended"] else 3


def _outcome(fate: int, *, is_over: bool) -> str:
    known = {1: "showed_reported", 2: "showed_assumed", 3: "no_show", 4: "host_absent"}
    return known.get(fate, "unreported" if is_over else "upcoming")


async def plain_meetings(
    tx: AsyncConnection, workspace_id: UUID, since: datetime | None, until: datetime | None, now: datetime
) -> dict[str, int]:
    """Returns the counts of statistics, booking by booking."""
    query = text("SELECT * FROM bookings WHERE workspace_id = :workspace_id AND NOT simulated")
    counts = dict.fromkeys(_MEETINGS, 0)
    for row in (await tx.execute(query, {"workspace_id": workspace_id})).mappings():
        starts, over = row["start_time"], row["end_time"] or row["start_time"]
        if (since is not None and starts < since) or (until is not None and starts >= until):
            continue
        is_accepted, is_reported = row["status"] == "ACCEPTED", row["attendance_evidence"] == "reported"
        known = {
            "total": True,
            row["status"].lower(): True,
            "upcoming": is_accepted and starts > now,
            "showed": row["attended"] is True,
            "no_show": row["attended"] is False,
            "host_absent": row["attended"] is None and row["host_absent"],
            "unreported": is_accepted and over <= now and row["attended"] is None and not row["host_absent"],
            "booked": is_accepted or row["attended"] is True,
            "reported_showed": over <= now and is_reported and row["attended"] is True,
            "reported": over <= now and is_reported and row["attended"] is not None,
        }
        for name, is_true in known.items():
            counts[name] += is_true
    return counts


_MEETINGS = (
    *("total", "accepted", "cancelled", "pending", "rejected", "upcoming", "showed", "no_show", "host_absent"),
    *("unreported", "booked", "reported_showed", "reported"),
)
