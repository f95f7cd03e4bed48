"""The campaigns of a simulation, and what `--check` reports about matches and funnels (14.6, CA2, CA5)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.campaigns.lead_file.rows import LeadRow
from showup.simulation.campaign_truth import (
    FoundLead,
    FoundMatches,
    count_matches,
    expected_funnels,
    find_funnel_differences,
    find_match_differences,
)
from showup.simulation.campaigns import SimulatedLead, lead_files
from showup.simulation.truth import truth_of
from showup.simulation.world import make_world

START = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)
WORLD = make_world(5, START, 150, with_campaigns=True)
BOOKINGS = truth_of(WORLD.webhooks).bookings
BY_ATTENDEE = {one.attendee: one for one in WORLD.leads if one.attendee is not None and one.brings_bookings}
SEATS = [(uid, attendee) for uid, one in BOOKINGS.items() for attendee in one.attendees if attendee in BY_ATTENDEE]


def perfect(*, without: str | None = None) -> FoundMatches:
    """Returns what a Showup finds that links every lead, but suggests those who book under this kind of address."""
    linked = {
        seat: FoundLead(BY_ATTENDEE[seat[1]].email.lower(), BY_ATTENDEE[seat[1]].campaign)
        for seat in SEATS
        if BY_ATTENDEE[seat[1]].address != without
    }
    suggested = {seat: frozenset({BY_ATTENDEE[seat[1]].email}) for seat in SEATS if seat not in linked}
    return FoundMatches(linked, suggested)


def seat_with(address: str) -> tuple[str, str]:
    return next(seat for seat in SEATS if BY_ATTENDEE[seat[1]].address == address)


def idle_lead() -> SimulatedLead:
    return next(one for one in WORLD.leads if one.attendee is None)


def differences(found: FoundMatches) -> list[tuple[str, str, str]]:
    return [(one.key, one.field, one.found) for one in find_match_differences(WORLD.leads, BOOKINGS, found)]


def test_campaigns_change_no_webhook_and_are_the_same_for_the_same_seed() -> None:
    assert make_world(5, START, 150).webhooks == WORLD.webhooks
    assert make_world(5, START, 150, with_campaigns=True).leads == WORLD.leads
    assert make_world(5, START, 150).leads == ()


def test_leads_book_under_each_kind_of_address_or_not_at_all() -> None:
    assert set(Counter(one.address for one in BY_ATTENDEE.values())) == {"same", "mailbox", "other"}
    attendees = {attendee for booking in BOOKINGS.values() for attendee in booking.attendees}
    assert attendees - BY_ATTENDEE.keys(), "some bookers are no leads"
    others = {one.email for one in BY_ATTENDEE.values() if one.address == "other"}
    assert others.isdisjoint(attendees)
    assert idle_lead().email not in attendees
    assert any(one.is_bounced for one in WORLD.leads)
    assert any(not one.brings_bookings for one in WORLD.leads)


def test_showup_reads_the_files_as_they_are_meant(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    (file,) = lead_files(WORLD.leads)
    path.write_bytes(file)
    rows = [row for row in open_lead_file(path, ReadingOptions()).rows(0) if isinstance(row, LeadRow)]
    assert [
        (row.lead.email, row.campaign, row.lead.company, row.signals.sent, row.signals.interested_at) for row in rows
    ] == [(one.email.lower(), one.campaign, one.company, one.sent, one.interested_at) for one in WORLD.leads]
    assert [row.signals.bounced for row in rows] == [one.is_bounced for one in WORLD.leads]


@pytest.mark.parametrize("without", [None, "other"])
def test_linked_or_suggested_leads_are_right(without: str | None) -> None:
    found = perfect(without=without)
    assert differences(found) == []
    assert count_matches(WORLD.leads, BOOKINGS, found).linked == len(found.linked)


def test_a_wrong_lead_is_reported() -> None:
    seat, wrong = seat_with("other"), idle_lead()
    found = perfect()
    linked = {**found.linked, seat: FoundLead(wrong.email, wrong.campaign)}
    assert differences(replace(found, linked=linked)) == [(" ".join(seat), "lead", wrong.email)]


def test_a_link_of_someone_who_is_no_lead_is_reported() -> None:
    seat = next((uid, who) for uid, one in BOOKINGS.items() for who in one.attendees if who not in BY_ATTENDEE)
    found = perfect()
    linked = {**found.linked, seat: FoundLead(idle_lead().email, idle_lead().campaign)}
    assert differences(replace(found, linked=linked)) == [(" ".join(seat), "lead", idle_lead().email)]


def test_a_wrong_campaign_is_reported() -> None:
    seat = seat_with("same")
    found = perfect()
    linked = {**found.linked, seat: replace(found.linked[seat], campaign="Another")}
    assert differences(replace(found, linked=linked)) == [(" ".join(seat), "campaign", "Another")]


@pytest.mark.parametrize("address", ["same", "mailbox"])
def test_a_known_address_without_a_link_is_reported(address: str) -> None:
    seat = seat_with(address)
    found = perfect()
    linked = {one: lead for one, lead in found.linked.items() if one != seat}
    assert differences(replace(found, linked=linked)) == [(" ".join(seat), "lead", "none")]


def test_an_unknown_address_must_be_linked_or_suggested() -> None:
    seat = seat_with("other")
    found = perfect(without="other")
    suggested = {**found.suggested, seat: frozenset({idle_lead().email})}
    assert differences(replace(found, suggested=suggested)) == [(" ".join(seat), "candidates", idle_lead().email)]


def test_a_funnel_counts_an_unknown_address_where_it_is_linked() -> None:
    with_all, without = (expected_funnels(WORLD.leads, BOOKINGS, perfect(without=one)) for one in (None, "other"))
    names = sorted({one.campaign for one in WORLD.leads})
    assert sorted(with_all) == names
    assert sum(with_all[name].booked - without[name].booked for name in names) > 0
    assert [with_all[name].sent for name in names] == [without[name].sent for name in names]
    assert all(one.showed <= one.booked for one in with_all.values())


def test_each_wrong_step_of_a_funnel_is_reported() -> None:
    expected = expected_funnels(WORLD.leads, BOOKINGS, perfect())
    first, second = sorted(expected)
    found = {first: replace(expected[first], showed=999, replied=1)}
    assert [(one.key, one.field, one.found) for one in find_funnel_differences(expected, found)] == [
        (first, "replied", "1"),
        (first, "showed", "999"),
        (second, "", "missing"),
    ]
    assert list(find_funnel_differences(expected, expected)) == []
