"""CA2: attendees are matched to leads, whatever comes first; every match is an event, and can be undone."""

from datetime import timedelta

import pytest

from showup.database.engine import transaction
from showup.events.booking import LeadMatched, MatchUndone
from showup.events.workspace import Merged, MergeUndone
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import MONDAY

AMARA, LEE = "amara@acme.example", "lee@globex.example"


async def test_an_exact_address_is_found_without_regard_to_case(scenario: CampaignScenario) -> None:
    """Seed 002: "Exact email match → found", "Case-insensitive match → found"."""
    await scenario.import_rows("Founders", [{"email": "Amara@ACME.example"}])
    await scenario.book("one", "AMARA@acme.example")
    assert await scenario.pairs() == [(AMARA, AMARA, "Founders", "email")]
    assert await scenario.rebuild_differences() == []


async def test_no_lead_no_match(scenario: CampaignScenario) -> None:
    """Seed 002: "No match → returns null"."""
    await scenario.import_rows("Founders", [{"email": LEE}])
    await scenario.book("one", AMARA)
    assert await scenario.matches() == []


@pytest.mark.parametrize(
    ("lead", "attendee"),
    [
        ("amara@acme.example", "amara+cal@acme.example"),
        ("amara+bison@acme.example", "amara@acme.example"),
        ("z.z.amara@gmail.com", "zzamara@googlemail.com"),
    ],
)
async def test_the_same_mailbox_is_found_by_its_normalized_address(
    scenario: CampaignScenario, lead: str, attendee: str
) -> None:
    await scenario.book("one", attendee)
    await scenario.import_rows("Founders", [{"email": lead}])
    assert await scenario.pairs() == [(attendee, lead, "Founders", "normalized_email")]


async def test_a_further_address_of_a_lead_counts_and_the_leads_own_address_wins(scenario: CampaignScenario) -> None:
    await scenario.book("one", "amara@home.example")
    await scenario.import_rows("Founders", [{"email": AMARA, "Secondary Email": "amara@home.example"}])
    assert await scenario.pairs() == [("amara@home.example", AMARA, "Founders", "other_email")]
    await scenario.import_rows("Later", [{"email": "amara@home.example"}])
    assert await scenario.pairs() == [("amara@home.example", "amara@home.example", "Later", "email")]
    assert await scenario.rebuild_differences() == []


async def test_a_lead_that_arrives_later_matches_earlier_bookings(scenario: CampaignScenario) -> None:
    """Seed 002, edge case 4: booking before the lead exists."""
    await scenario.book("one", AMARA)
    assert await scenario.matches() == []
    await scenario.import_rows("Founders", [{"email": AMARA}])
    assert await scenario.pairs() == [(AMARA, AMARA, "Founders", "email")]


async def test_each_attendee_is_matched_for_itself(scenario: CampaignScenario) -> None:
    """Seed 002, edge case 3: group bookings."""
    await scenario.import_rows("Founders", [{"email": AMARA}, {"email": LEE}])
    await scenario.book("one", AMARA, LEE, "else@other.example")
    assert await scenario.pairs() == [(AMARA, AMARA, "Founders", "email"), (LEE, LEE, "Founders", "email")]


async def test_the_latest_campaign_that_found_the_lead_interested_before_the_booking(
    scenario: CampaignScenario,
) -> None:
    await scenario.book("one", AMARA, at=MONDAY)
    day = timedelta(days=1)
    times = {"Early": MONDAY - 9 * day, "Late": MONDAY - 2 * day, "After": MONDAY + day}
    for name, at in times.items():
        await scenario.import_rows(name, [{"email": AMARA, "interested_at": at.isoformat()}])
    await scenario.import_rows("Mail", [{"email": AMARA, "last_sent_at": (MONDAY - day).isoformat()}])
    assert await scenario.pairs() == [(AMARA, AMARA, "Late", "email")]
    assert await scenario.rebuild_differences() == []


async def test_without_an_interest_the_latest_that_wrote(scenario: CampaignScenario) -> None:
    for name, days in (("Early", 9), ("Late", 2), ("After", -3)):
        at = MONDAY - timedelta(days=days)
        await scenario.import_rows(name, [{"email": AMARA, "last_sent_at": at.isoformat()}])
    await scenario.book("one", AMARA, at=MONDAY)
    assert await scenario.pairs() == [(AMARA, AMARA, "Late", "email")]


async def test_an_undone_match_is_not_made_again_by_itself(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [{"email": AMARA}])
    await scenario.book("one", AMARA)
    result = await scenario.execute(MatchUndone(subject="uid:one", attendee=AMARA, lead=AMARA))
    assert result.refused is None
    assert await scenario.matches() == []
    await scenario.import_rows("Again", [{"email": AMARA, "interested": "true"}])
    await scenario.book("one", AMARA, at=MONDAY + timedelta(hours=1), trigger="BOOKING_RESCHEDULED")
    assert await scenario.matches() == []
    assert await scenario.rebuild_differences() == []


async def test_a_person_may_link_an_undone_match_again(scenario: CampaignScenario) -> None:
    report = await scenario.import_rows("Founders", [{"email": AMARA}])
    assert report.accepted == 1
    await scenario.book("one", AMARA)
    ((campaign_id,),) = await scenario.rows("SELECT id FROM campaigns WHERE workspace_id = $1")
    await scenario.execute(MatchUndone(subject="uid:one", attendee=AMARA, lead=AMARA))
    linked = LeadMatched(
        subject="uid:one",
        attendee=AMARA,
        lead=AMARA,
        campaign_id=campaign_id,
        method="manual",
        score=1.0,
        evidence={"person": "linked manually"},
    )
    assert (await scenario.execute(linked)).refused is None
    assert await scenario.pairs() == [(AMARA, AMARA, "Founders", "manual")]


async def test_merged_people_are_matched_by_each_others_addresses_until_it_is_undone(
    scenario: CampaignScenario,
) -> None:
    await scenario.import_rows("Founders", [{"email": AMARA}])
    await scenario.book("one", "amara@home.example")
    await scenario.book("two", AMARA)
    merged = await scenario.execute(Merged(kind="people", gone="amara@home.example", stays=AMARA))
    assert (await scenario.pairs())[1] == ("amara@home.example", AMARA, "Founders", "merged_person") or (
        await scenario.pairs()
    )[0] == ("amara@home.example", AMARA, "Founders", "merged_person")
    await scenario.execute(MergeUndone(merge=merged.event_ids[0]))
    assert await scenario.pairs() == [(AMARA, AMARA, "Founders", "email")]
    assert await scenario.rebuild_differences() == []


async def test_a_rebuild_repairs_matches_from_the_log(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [{"email": AMARA}, {"email": LEE}])
    await scenario.book("one", AMARA, LEE)
    before = await scenario.matches()
    async with transaction(scenario.engine) as tx:
        await tx.exec_driver_sql(f"DELETE FROM matches WHERE attendee = '{AMARA}'")  # noqa: S608  # a constant
        await tx.exec_driver_sql("UPDATE matches SET score = 0.5")
    assert len(await scenario.rebuild_differences()) == 2
    await rebuild(scenario.engine, RebuildOptions(workspace_ids=[scenario.workspace], applied=True))
    assert await scenario.matches() == before


async def test_every_match_is_an_event_with_an_audit_entry(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [{"email": AMARA}])
    await scenario.book("one", AMARA)
    await scenario.execute(MatchUndone(subject="uid:one", attendee=AMARA, lead=AMARA))
    entries = await scenario.rows(
        "SELECT what, actor FROM audit_log WHERE workspace_id = $1 AND what ~ 'match' ORDER BY number"
    )
    assert entries == [("lead.matched", "showup"), ("match.undone", "key:ops")]
    triggers = await scenario.rows(
        "SELECT trigger FROM inbox_events WHERE workspace_id = $1 AND source = 'manual' ORDER BY number"
    )
    assert triggers == [("lead_matched",), ("match_undone",)]


async def test_the_team_and_the_organizer_are_no_leads(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [{"email": "eve@outbound.example"}, {"email": "ben@outbound.example"}])
    await scenario.book("one", AMARA, "eve@outbound.example")
    assert await scenario.matches() == []


async def test_an_import_without_a_further_address_that_another_one_gave_still_changes_its_match(
    scenario: CampaignScenario,
) -> None:
    await scenario.import_rows("One", [{"email": "bob@gmail.com", "Secondary Email": "ann@acme.example"}])
    await scenario.book("one", "ann@acme.example")
    await scenario.import_rows("Two", [{"email": "bob@gmail.com", "interested_at": "2026-01-05T10:00:00Z"}])
    ((_, _, lead, campaign, *_),) = await scenario.matches()
    assert (lead, campaign) == ("bob@gmail.com", "Two")
