"""`/api/rules`: get the rules, change them, and preview a change on past events (PI10)."""

from typing import Any

import httpx2
import pytest

from tests.web.conftest import ClientFactory
from tests.web.scenario import HOUR, TODAY, Scenario


@pytest.fixture
def admin(scenario_client_as: ClientFactory) -> httpx2.AsyncClient:
    return scenario_client_as("admin")


async def change_rules(admin: httpx2.AsyncClient, *, since: str = "now", dry_run: bool = False, **changes: Any) -> Any:
    response = await admin.patch("/api/rules", json={"changes": changes, "since": since, "dry_run": dry_run})
    assert response.status_code == 200, response.text
    return response.json()


async def attendance_state(admin: httpx2.AsyncClient, scenario: Scenario, uid: str) -> Any:
    return (await admin.get(f"/api/bookings/{await scenario.booking_id(uid)}")).json()["attendance"]["state"]


def nonzero_counts(effect: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return the counts that are not zero."""
    counts = {noun: {kind: count for kind, count in each.items() if count} for noun, each in effect["counts"].items()}
    return {noun: each for noun, each in counts.items() if each}


async def test_the_default_rules(admin: httpx2.AsyncClient) -> None:
    response = (await admin.get("/api/rules")).json()
    assert (response["workspace"], response["history"]) == ("ours", [])
    rules = response["rules"]
    assert (rules["cancel_deal"], rules["meeting_ended"], rules["stages"][:2]) == (
        "always",
        "showed",
        ["booked", "met"],
    )
    assert (rules["fresh_for"], rules["remind_before"]) == ("P1D", ["P3D", "P1D", "PT7200S"])


async def test_follow_ups_and_guests_are_rules_too(admin: httpx2.AsyncClient) -> None:
    """TE1, TE11: both are off by default."""
    fresh = (await admin.get("/api/rules")).json()["rules"]
    assert (fresh["notify_guests"], fresh["follow_up"], fresh["follow_up_rebook_url"]) == (False, False, "")
    assert (fresh["follow_up_after"], fresh["follow_up_expires_after"]) == ("PT7200S", "P3D")
    assert (fresh["follow_up_quiet_hours"], fresh["follow_up_at_most_every"]) == (["21:00", "08:00"], "P30D")
    new_values = {
        "notify_guests": True,
        "follow_up": True,
        "follow_up_after": "PT5400S",
        "follow_up_quiet_hours": ["20:00", "09:30"],
        "follow_up_rebook_url": "https://cal.com/ann",
    }
    response = await change_rules(admin, **new_values)
    assert response["rules"] == fresh | new_values
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert change["changes"] == new_values
    again = await change_rules(admin, follow_up=False, follow_up_rebook_url="")
    assert (again["rules"]["follow_up"], again["rules"]["follow_up_rebook_url"]) == (False, "")


async def test_a_change_holds_from_now_on_and_is_in_the_history(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await change_rules(admin, meeting_ended="unreported", remind_before=["PT1H"])
    assert (response["rules"]["meeting_ended"], response["rules"]["remind_before"]) == ("unreported", ["PT3600S"])
    assert nonzero_counts(response["effect"]) == {}
    assert await attendance_state(admin, scenario, "met") == "showed"
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert (change["event_id"], change["actor"]) == (response["event_id"], "key:admin")
    assert change["changes"] == {"meeting_ended": "unreported", "remind_before": ["PT3600S"]}
    assert change["since"] is not None


async def test_a_dry_run_shows_the_impact_and_changes_nothing(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    """PI10: a dry run applies a new rule to past events and shows the differences, without saving them."""
    before_rows = [await scenario.rows(table) for table in ("deals", "bookings", "audit_log", "rules", "inbox_events")]
    preview = await change_rules(admin, since="always", dry_run=True, meeting_ended="unreported")
    assert (preview["dry_run"], preview["event_id"]) == (True, None)
    assert nonzero_counts(preview["effect"]) == {"bookings": {"changed": 1}, "deals": {"changed": 1}}
    words = {example["words"] for example in preview["effect"]["examples"]}
    assert "deal acme.com: stage met → booked" in words
    assert [
        await scenario.rows(table) for table in ("deals", "bookings", "audit_log", "rules", "inbox_events")
    ] == before_rows
    applied = await change_rules(admin, since="always", meeting_ended="unreported")
    assert applied["effect"] == preview["effect"]
    assert await attendance_state(admin, scenario, "met") == "unreported"


async def test_domain_rules_apply_to_all_history(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    applied = await change_rules(admin, personal_domains=["Globex.co.uk"])
    assert applied["rules"]["personal_domains"] == ["globex.co.uk"]
    counts = nonzero_counts(applied["effect"])
    assert (counts["companies"], counts["deals"]) == ({"removed": 1}, {"removed": 1})
    assert (await admin.get(f"/api/companies/{scenario.company_id('globex.co.uk')}")).status_code == 404


async def test_a_change_may_start_later(admin: httpx2.AsyncClient) -> None:
    later = (TODAY + HOUR).isoformat().replace("+00:00", "Z")
    planned = await change_rules(admin, since=later, cancel_deal="last_meeting")
    assert planned["rules"]["cancel_deal"] == "always"
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert change["since"] == later


async def test_stages_are_data(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    await change_rules(admin, stages=["booked", "met", "signed"])
    moved = await admin.patch(f"/api/deals/{await scenario.deal_id('met')}", json={"stage": "signed"})
    assert (moved.status_code, moved.json()["stage"]) == (200, "signed")


async def test_invalid_rules_are_refused_by_field(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    invalid: list[tuple[Any, str]] = [
        ({"changes": {}}, "changes"),
        ({}, "changes"),
        ({"changes": {"cancel_deal": "sometimes"}}, "changes.cancel_deal"),
        ({"changes": {"cancel_deals": "always"}}, "changes.cancel_deals"),
        ({"changes": {"cancel_deal": None}}, "changes.cancel_deal"),
        ({"changes": {"stages": ["met", "booked"]}}, "changes.stages"),
        ({"changes": {"stages": []}}, "changes.stages"),
        ({"changes": {"team_domains": ["a b"]}}, "changes.team_domains.0"),
        ({"changes": {"team_emails": ["nobody"]}}, "changes.team_emails.0"),
        ({"changes": {"fresh_for": "a day"}}, "changes.fresh_for"),
        ({"changes": {"fresh_for": 3600}}, "changes.fresh_for"),
        ({"changes": {"fresh_for": "-PT1H"}}, "changes.fresh_for"),
        ({"changes": {"remind_before": ["P9999999999D"]}}, "changes.remind_before.0"),
        ({"changes": {"notify_guests": "perhaps"}}, "changes.notify_guests"),
        ({"changes": {"follow_up_after": "PT0S"}}, "changes.follow_up_after"),
        ({"changes": {"follow_up_quiet_hours": ["21:00"]}}, "changes.follow_up_quiet_hours"),
        ({"changes": {"follow_up_quiet_hours": ["21:00", "8:00"]}}, "changes.follow_up_quiet_hours.1"),
        ({"changes": {"follow_up_quiet_hours": ["24:00", "08:00"]}}, "changes.follow_up_quiet_hours.0"),
        ({"changes": {"follow_up_rebook_url": "javascript:alert(1)"}}, "changes.follow_up_rebook_url"),
        ({"changes": {"follow_up_rebook_url": "https://[::1"}}, "changes.follow_up_rebook_url"),
        ({"changes": {"cancel_deal": "always"}, "since": "yesterday"}, "since"),
        ({"changes": {"cancel_deal": "always"}, "since": []}, "since"),
        ({"changes": {"cancel_deal": "always"}, "dry_run": "perhaps"}, "dry_run"),
    ]
    for fields, field in invalid:
        response = await admin.patch("/api/rules", json=fields)
        assert response.status_code == 422, fields
        assert [error["field"] for error in response.json()["errors"]] == [field]
    suggestion = await admin.patch("/api/rules", json={"changes": {"cancel_deals": "always"}})
    assert "Did you mean 'cancel_deal'?" in suggestion.json()["errors"][0]["detail"]
    assert not await scenario.commands()


async def test_a_refused_value_is_explained_with_an_example(admin: httpx2.AsyncClient) -> None:
    examples: dict[str, Any] = {
        "team_emails": (["nobody"], "Send an email address such as ann@example.com. You sent 'nobody'."),
        "team_domains": (["a b"], "Send a domain such as example.com. You sent 'a b'."),
        "fresh_for": ("24h", "Send an ISO 8601 duration such as PT24H or P3D. You sent '24h'."),
        "follow_up_after": ("P9999D", "Send a duration of more than zero and at most 3650 days. You sent 'P9999D'."),
        "follow_up_quiet_hours": (["8pm", "08:00"], "Send a time of day such as 08:00. You sent '8pm'."),
        "follow_up_rebook_url": ("cal.com", "Send a web address such as https://cal.com/ann, or empty."),
    }
    for rule, (value, detail) in examples.items():
        response = await admin.patch("/api/rules", json={"changes": {rule: value}})
        assert response.status_code == 422, rule
        assert response.json()["errors"][0]["detail"].startswith(detail)


async def test_a_repeated_dry_run_gets_the_first_response(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    fields = {"changes": {"meeting_ended": "unreported"}, "since": "always", "dry_run": True}
    first, again = [await admin.patch("/api/rules", json=fields, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert not await scenario.commands()


async def test_each_workspace_has_its_own_rules(scenario_client_as: ClientFactory) -> None:
    await change_rules(scenario_client_as("admin"), cancel_deal="last_meeting")
    everywhere = scenario_client_as("everywhere")
    assert (await everywhere.get("/api/rules")).status_code == 422
    values = [
        (await everywhere.get(f"/api/rules?workspace={slug}")).json()["rules"]["cancel_deal"]
        for slug in ("ours", "theirs")
    ]
    assert values == ["last_meeting", "always"]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_m10_a_stage_stays_while_deals_stand_on_it(
    admin: httpx2.AsyncClient, scenario: Scenario, dry_run: bool
) -> None:
    """M10: removing it would leave the deals in a stage that does not exist."""
    deal = f"/api/deals/{await scenario.deal_id('met')}"
    assert (await admin.patch(deal, json={"stage": "proposal"})).status_code == 200
    without = {"changes": {"stages": ["booked", "met", "negotiation"]}, "dry_run": dry_run}
    response = await admin.patch("/api/rules", json=without)
    assert (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    assert response.json()["detail"] == (
        "1 active deal is in the stage proposal (acme.com). Move them to another stage first"
    )
    assert (await admin.patch(deal, json={"stage": "negotiation"})).status_code == 200
    assert (await admin.patch("/api/rules", json=without)).status_code == 200
