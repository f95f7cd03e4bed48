"""`/api/rules`: seen, changed, and tried on what is past before they hold (PI10)."""

from typing import Any

import httpx2
import pytest

from tests.web.conftest import Asking
from tests.web.scene import HOUR, TODAY, Scene


@pytest.fixture
def admin(acting: Asking) -> httpx2.AsyncClient:
    return acting("admin")


async def changed(admin: httpx2.AsyncClient, *, since: str = "now", dry_run: bool = False, **changes: Any) -> Any:
    answer = await admin.patch("/api/rules", json={"changes": changes, "since": since, "dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def attendance(admin: httpx2.AsyncClient, scene: Scene, uid: str) -> Any:
    return (await admin.get(f"/api/bookings/{await scene.booking(uid)}")).json()["attendance"]["state"]


def touched(effect: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The counts that are not nothing."""
    found = {noun: {kind: many for kind, many in each.items() if many} for noun, each in effect["counts"].items()}
    return {noun: each for noun, each in found.items() if each}


async def test_the_rules_are_those_of_the_product_until_somebody_changes_them(admin: httpx2.AsyncClient) -> None:
    answer = (await admin.get("/api/rules")).json()
    assert (answer["workspace"], answer["history"]) == ("ours", [])
    rules = answer["rules"]
    assert (rules["cancel_deal"], rules["meeting_ended"], rules["stages"][:2]) == (
        "always",
        "showed",
        ["booked", "met"],
    )
    assert (rules["fresh_for"], rules["remind_before"]) == ("P1D", ["P3D", "P1D", "PT7200S"])


async def test_follow_ups_and_guests_are_rules_too(admin: httpx2.AsyncClient) -> None:
    """TE1, TE11: off until somebody says otherwise."""
    fresh = (await admin.get("/api/rules")).json()["rules"]
    assert (fresh["tell_guests"], fresh["follow_up"], fresh["follow_up_rebook_url"]) == (False, False, "")
    assert (fresh["follow_up_after"], fresh["follow_up_expires_after"]) == ("PT7200S", "P3D")
    assert (fresh["follow_up_quiet_hours"], fresh["follow_up_at_most_every"]) == (["21:00", "08:00"], "P30D")
    said = {
        "tell_guests": True,
        "follow_up": True,
        "follow_up_after": "PT5400S",
        "follow_up_quiet_hours": ["20:00", "09:30"],
        "follow_up_rebook_url": "https://cal.com/ann",
    }
    tried = await changed(admin, **said)
    assert tried["rules"] == fresh | said
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert change["changes"] == said
    again = await changed(admin, follow_up=False, follow_up_rebook_url="")
    assert (again["rules"]["follow_up"], again["rules"]["follow_up_rebook_url"]) == (False, "")


async def test_a_change_holds_from_now_on_and_is_in_the_history(admin: httpx2.AsyncClient, scene: Scene) -> None:
    tried = await changed(admin, meeting_ended="unreported", remind_before=["PT1H"])
    assert (tried["rules"]["meeting_ended"], tried["rules"]["remind_before"]) == ("unreported", ["PT3600S"])
    assert touched(tried["effect"]) == {}
    assert await attendance(admin, scene, "met") == "showed"
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert (change["event_id"], change["actor"]) == (tried["event_id"], "key:admin")
    assert change["changes"] == {"meeting_ended": "unreported", "remind_before": ["PT3600S"]}
    assert change["since"] is not None


async def test_a_dry_run_tells_what_would_be_and_leaves_nothing(admin: httpx2.AsyncClient, scene: Scene) -> None:
    """PI10: a new rule is tried on what is past, and its difference shown before it is applied."""
    stood = [await scene.rows(table) for table in ("deals", "bookings", "journal", "rules", "calcom_events")]
    would = await changed(admin, since="always", dry_run=True, meeting_ended="unreported")
    assert (would["dry_run"], would["event_id"]) == (True, None)
    assert touched(would["effect"]) == {"bookings": {"changed": 1}, "deals": {"changed": 1}}
    words = {example["words"] for example in would["effect"]["examples"]}
    assert "deal acme.com: stage met → booked" in words
    assert [await scene.rows(table) for table in ("deals", "bookings", "journal", "rules", "calcom_events")] == stood
    did = await changed(admin, since="always", meeting_ended="unreported")
    assert did["effect"] == would["effect"]
    assert await attendance(admin, scene, "met") == "unreported"


async def test_what_a_domain_is_holds_for_all_time(admin: httpx2.AsyncClient, scene: Scene) -> None:
    did = await changed(admin, personal_domains=["Globex.co.uk"])
    assert did["rules"]["personal_domains"] == ["globex.co.uk"]
    counts = touched(did["effect"])
    assert (counts["companies"], counts["deals"]) == ({"removed": 1}, {"removed": 1})
    assert (await admin.get(f"/api/companies/{scene.company('globex.co.uk')}")).status_code == 404


async def test_a_change_may_hold_from_a_moment_on(admin: httpx2.AsyncClient) -> None:
    later = (TODAY + HOUR).isoformat().replace("+00:00", "Z")
    planned = await changed(admin, since=later, cancel_deal="last_meeting")
    assert planned["rules"]["cancel_deal"] == "always"
    (change,) = (await admin.get("/api/rules")).json()["history"]
    assert change["since"] == later


async def test_stages_are_data(admin: httpx2.AsyncClient, scene: Scene) -> None:
    await changed(admin, stages=["booked", "met", "signed"])
    moved = await admin.patch(f"/api/deals/{await scene.deal_of('met')}", json={"stage": "signed"})
    assert (moved.status_code, moved.json()["stage"]) == (200, "signed")


async def test_rules_that_make_no_sense_are_refused_by_the_field(admin: httpx2.AsyncClient, scene: Scene) -> None:
    wrong: list[tuple[Any, str]] = [
        ({"changes": {}}, "changes"),
        ({}, "changes"),
        ({"changes": {"cancel_deal": "sometimes"}}, "changes.cancel_deal"),
        ({"changes": {"cancel_deals": "always"}}, "changes.cancel_deals"),
        ({"changes": {"cancel_deal": None}}, "changes.cancel_deal"),
        ({"changes": {"stages": ["met", "booked"]}}, "changes"),
        ({"changes": {"stages": []}}, "changes"),
        ({"changes": {"team_domains": ["a b"]}}, "changes.team_domains.0"),
        ({"changes": {"team_emails": ["nobody"]}}, "changes.team_emails.0"),
        ({"changes": {"fresh_for": "a day"}}, "changes.fresh_for"),
        ({"changes": {"fresh_for": 3600}}, "changes.fresh_for"),
        ({"changes": {"fresh_for": "-PT1H"}}, "changes.fresh_for"),
        ({"changes": {"remind_before": ["P9999999999D"]}}, "changes.remind_before.0"),
        ({"changes": {"tell_guests": "perhaps"}}, "changes.tell_guests"),
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
    for said, field in wrong:
        answer = await admin.patch("/api/rules", json=said)
        assert answer.status_code == 422, said
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    near = await admin.patch("/api/rules", json={"changes": {"cancel_deals": "always"}})
    assert "Did you mean 'cancel_deal'?" in near.json()["errors"][0]["detail"]
    assert not await scene.commands()


async def test_a_dry_run_is_answered_again_by_its_key(admin: httpx2.AsyncClient, scene: Scene) -> None:
    said = {"changes": {"meeting_ended": "unreported"}, "since": "always", "dry_run": True}
    first, again = [await admin.patch("/api/rules", json=said, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert not await scene.commands()


async def test_each_workspace_has_its_own_rules(acting: Asking) -> None:
    await changed(acting("admin"), cancel_deal="last_meeting")
    everywhere = acting("everywhere")
    assert (await everywhere.get("/api/rules")).status_code == 422
    found = [
        (await everywhere.get(f"/api/rules?workspace={one}")).json()["rules"]["cancel_deal"]
        for one in ("ours", "theirs")
    ]
    assert found == ["last_meeting", "always"]
