"""CA5, CA6: the funnel and seed 002's list of bookings over HTTP, for a scenario that was worked out by hand."""

import csv
from collections.abc import AsyncIterator
from datetime import datetime
from io import StringIO
from typing import Any

import httpx2
import pytest

from showup.access.permission import Permission
from showup.database.engine import driver_connection, transaction
from showup.reads.client_bookings import find_client
from showup.reads.funnel import MAX_READ_GROUPS
from showup.reads.funnel_filter import MAX_STEP
from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import CampaignScenario
from tests.campaigns.test_funnel import AS_OF, rounded
from tests.campaigns.test_funnel_scenario import CAMPAIGNS, EXPECTED, LEADS, SCENARIO, import_leads, receive
from tests.campaigns.typescript import assert_type, read_type
from tests.histories.table_contents import new_account
from tests.histories.webhooks import attendee


@pytest.fixture
async def client(scenario: CampaignScenario) -> AsyncIterator[httpx2.AsyncClient]:
    """The API over the scenario's workspace, at the scenario's time."""
    async with open_api(scenario.engine, lambda: AS_OF) as client:
        yield client


async def play(scenario: CampaignScenario, client: httpx2.AsyncClient) -> None:
    """Plays the scenario: the leads' files, the webhooks, and the outcomes that people report."""
    await import_leads(scenario, set(LEADS) - {"L40"})
    await receive(scenario, [step for step in SCENARIO["steps"] if step["do"] == "webhook"])
    await import_leads(scenario, {"L40"})
    for step in SCENARIO["steps"]:
        if step["do"] == "outcome":
            found = (await client.get("/api/bookings", params={"uid": step["uid"]})).json()["items"]
            answer = await client.post(f"/api/bookings/{found[0]['id']}/outcome", json=step["body"])
            assert answer.status_code == 200, answer.text


def steps_of(item: dict[str, Any], expected: dict[str, Any]) -> Any:
    return rounded({name: item[name] for name in expected})


async def test_the_funnel_and_the_list_end_as_expected(scenario: CampaignScenario, client: httpx2.AsyncClient) -> None:
    await play(scenario, client)
    numbers = await _check_funnel(scenario, client)
    await _check_list(scenario, client, numbers)
    await _check_later(client, numbers)
    assert await scenario.rebuild_differences() == []


async def _check_funnel(scenario: CampaignScenario, client: httpx2.AsyncClient) -> dict[int, int]:
    """Checks the funnel; returns our number of each of the scenario's campaigns."""
    async with transaction(scenario.engine) as tx:
        await (await driver_connection(tx)).execute(
            "INSERT INTO campaigns (workspace_id, id, source, name, created_at) VALUES ($1, 7, 'csv', $2, now())",
            scenario.workspace,
            CAMPAIGNS[104],
        )
    funnel = await get(client, "/api/funnel", group_by="campaign", compare="groups")
    assert steps_of(funnel, EXPECTED["funnel_workspace"]) == rounded(EXPECTED["funnel_workspace"])
    by_name = {item["group"]["campaign"]["name"]: item for item in funnel["items"]}
    assert by_name.keys() == set(CAMPAIGNS.values())
    for number, name in CAMPAIGNS.items():
        expected = EXPECTED["funnel"][str(number)]
        assert steps_of(by_name[name], expected) == rounded(expected)
    numbers = {number: by_name[name]["group"]["campaign"]["id"] for number, name in CAMPAIGNS.items()}
    for expected in EXPECTED["differences"]:
        pair = [CAMPAIGNS[number] for number in expected["campaigns"]]
        (found,) = (
            one["held_rate"] | {"names": [one[side]["campaign"]["name"] for side in ("first", "second")]}
            for one in funnel["differences"]
            if {one[side]["campaign"]["name"] for side in ("first", "second")} == set(pair)
        )
        sign = 1 if found["names"] == pair else -1
        assert sign * found["difference"] == pytest.approx(expected["held_rate_difference"])
        low, high = sorted(sign * end for end in found["newcombe_95"])
        assert [low, high] == pytest.approx(expected["newcombe_95"], abs=1e-5)
        assert found["beyond_chance"] is False
    for number in (101, 103):
        one = await get(client, "/api/funnel", campaign_id=numbers[number])
        expected = EXPECTED["funnel"][str(number)]
        assert steps_of(one, expected) == rounded(expected)
    return numbers


async def _check_list(scenario: CampaignScenario, client: httpx2.AsyncClient, numbers: dict[int, int]) -> None:
    answer = await get(client, f"/api/clients/{scenario.workspace}/bookings")
    assert_type(answer, read_type("ClientBookings"))
    expected = EXPECTED["client_bookings"]
    assert sorted(map(_row, answer["bookings"])) == sorted(
        _row(row | {"campaign_id": numbers.get(row["campaign_id"], 0)}) for row in expected["bookings"]
    )
    assert rounded(answer["summary"]) == rounded(expected["summary"])
    assert answer.keys() == expected.keys()


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    times = (datetime.fromisoformat(row[name]) for name in ("booked_at", "scheduled_time"))
    return (row["campaign_id"], row["campaign_name"], row["lead_email"], *times, str(row["showed_up"]))


async def _check_later(client: httpx2.AsyncClient, numbers: dict[int, int]) -> None:
    """A person links the attendee with a personal address to the lead of the same name."""
    later = EXPECTED["later"]
    unmatched = (await get(client, "/api/unmatched"))["items"]
    (greta,) = (one for one in unmatched if one["attendee"].startswith("greta"))
    (lead,) = (await get(client, "/api/leads", email=LEADS["L31"]["email"]))["items"]
    before = await get(client, "/api/funnel", campaign_id=numbers[103])
    linked = await client.post(f"/api/unmatched/{greta['id']}/link", json={"lead_id": lead["id"]})
    assert linked.status_code == 201, linked.text
    after = await get(client, "/api/funnel", campaign_id=numbers[103])
    for name in ("booked", "showed"):
        assert [before[name], after[name]] == later[name]
    assert [one["split"]["showed_assumed"] for one in (before, after)] == later["showed_assumed"]
    assert [len(unmatched), len((await get(client, "/api/unmatched"))["items"])] == later["unmatched"]


async def test_a_workspace_without_bookings_answers_with_zeros(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    answer = await get(client, f"/api/clients/{scenario.workspace}/bookings")
    assert_type(answer, read_type("ClientBookings"))
    assert answer["bookings"] == []
    assert set(answer["summary"].values()) == {0}
    funnel = await get(client, "/api/funnel", workspace=str(scenario.workspace), group_by="campaign")
    assert {funnel[name] for name in ("sent", "delivered", "replied", "interested", "booked", "showed")} == {0}
    assert {funnel[name] for name in funnel if name.endswith("_rate") and name != "held_rate"} == {None}
    assert (funnel["roi"], funnel["held_rate"]["rate"], funnel["items"]) == (None, None, [])


async def test_a_client_is_found_by_slug_uuid_and_emailbison_id(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.book("one", "ann@acme.example")
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute("UPDATE workspaces SET slug = 'northwind' WHERE id = $1", scenario.workspace)
        await connection.execute(_READS_EMAILBISON, scenario.workspace, 7)
    for client_id in ("northwind", scenario.workspace, str(scenario.workspace).upper(), 7):
        answer = await get(client, f"/api/clients/{client_id}/bookings")
        assert answer["summary"]["total_bookings"] == 1
    for client_id in ("nowhere", "8", "9" * 40, "%00", "00000000-0000-0000-0000-000000000000"):
        assert (await client.get(f"/api/clients/{client_id}/bookings")).status_code == 404


async def test_another_workspace_takes_no_client_away(scenario: CampaignScenario) -> None:
    """It may have the number of our EmailBison as its slug, or read one that has the same number."""
    stranger = await new_account(scenario.engine)
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute(_READS_EMAILBISON, scenario.workspace, 7)
        await connection.execute(_READS_EMAILBISON, stranger.workspace_id, 7)
        for slug in ("7", "stranger"):
            await connection.execute("UPDATE workspaces SET slug = $2 WHERE id = $1", stranger.workspace_id, slug)
            found = await find_client(tx, Permission(actor="key:a", scope="read", workspace_id=scenario.workspace), "7")
            assert found is not None
            assert found.id == scenario.workspace
        everywhere = Permission(actor="key:a", scope="read", workspace_id=None)
        assert await find_client(tx, everywhere, "7") is None


_READS_EMAILBISON = """
    WITH made AS (
        INSERT INTO connections (id, workspace_id, kind, name, settings)
        VALUES (gen_random_uuid(), $1, 'emailbison', 'bison', '{}') RETURNING id
    )
    INSERT INTO lead_sources (connection_id, workspace_id, url, number, name, read_at)
    SELECT id, $1, 'https://bison.example/api', $2, 'Acme', now() FROM made
"""


async def test_the_file_for_spreadsheets_has_no_formulas(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    hostile = "=HYPERLINK(evil)"
    await scenario.import_rows(hostile, [{"email": "ann@acme.example", "emails_sent": "2", "replied": "true"}])
    await scenario.book("one", "ann@acme.example")
    answer = await client.get("/api/funnel.csv", params={"group_by": "campaign,organizer"})
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(StringIO(answer.text))
    assert (row["campaign"], row["organizer"], row["booked"], row["sent"]) == (
        f"'{hostile}",
        "ben@outbound.example",
        "1",
        "",
    )
    (total,) = csv.DictReader(StringIO((await client.get("/api/funnel.csv")).text))
    assert (total["sent"], total["replied"], total["booked"], total["roi"]) == ("2", "1", "1", "0.0")


async def test_a_claim_of_a_billion_mails_makes_no_billion_groups(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.import_rows("One", [{"email": "ann@acme.example", "emails_sent": 10**9 - 1, "bounced": "true"}])
    await scenario.import_rows("Two", [{"email": "ben@acme.example", "emails_sent": 3, "step": 10**9 - 1}])
    funnel = await get(client, "/api/funnel", group_by="step", limit=1000)
    sent = {item["group"]["step"]: (item["sent"], item["delivered"]) for item in funnel["items"]}
    assert len(sent) == MAX_STEP
    assert (sent[1], sent[3], sent[4]) == ((2, 2), (2, 2), (1, 1))
    assert (funnel["sent"], funnel["delivered"]) == (10**9 + 2, 10**9 + 1)
    assert [sum(column) for column in zip(*sent.values(), strict=True)] == [funnel["sent"], funnel["delivered"]]


async def test_more_groups_than_a_person_reads_are_refused(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.rows(f"""
        WITH made AS (
            INSERT INTO campaigns (workspace_id, id, source, name, created_at)
            SELECT $1, id, 'csv', 'C' || id, now() FROM generate_series(1, {MAX_READ_GROUPS + 1}) AS id RETURNING id
        ) SELECT count(*) FROM made
    """)  # noqa: S608  # a constant
    assert (await get(client, "/api/funnel"))["items"] == []
    for path in ("/api/funnel", "/api/funnel.csv"):
        answer = await client.get(path, params={"group_by": "campaign"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "group_by")
    assert len((await get(client, "/api/funnel", group_by="campaign", campaign_id=[1, 2]))["items"]) == 2


async def test_mails_of_simulated_campaigns_count_where_simulated_bookings_do(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    row = {"email": "ann@acme.example", "emails_sent": 3, "replied": "true", "interested": "true"}
    await scenario.import_rows("Simulated", [row])
    await scenario.rows("UPDATE workspaces SET slug = 'simulation' WHERE id = $1 RETURNING id")
    for path in ("/api/campaigns", "/api/leads"):
        assert [item["simulated"] for item in (await get(client, path))["items"]] == [True]
    for simulated, sent, people, groups in (("false", 0, 0, 0), ("true", 3, 1, 1), ("all", 3, 1, 1)):
        query = {"simulated": simulated, "from": "2026-01-01"}
        funnel = await get(client, "/api/funnel", group_by="campaign", simulated=simulated)
        assert (funnel["sent"], funnel["replied"], funnel["interested"]) == (sent, people, people)
        assert len(funnel["items"]) == groups
        assert (await get(client, "/api/funnel", **query))["undated"]["sent"] == sent


async def test_people_without_an_address_are_listed_and_counted(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    """CA6: one row for each attendee, also for one who has given a phone number only."""
    for uid in ("one", "two"):
        await scenario.book(uid, attendee("", "Zoe", phone="+31612345678"))
    answer = await get(client, f"/api/clients/{scenario.workspace}/bookings")
    assert_type(answer, read_type("ClientBookings"))
    assert answer["summary"]["total_bookings"] == 2
    assert {(row["campaign_id"], row["lead_email"]) for row in answer["bookings"]} == {(0, "")}
    funnel = await get(client, "/api/funnel", group_by="source", source="unknown")
    assert [(item["group"]["source"], item["booked"]) for item in funnel["items"]] == [("unknown", 1)]


async def test_the_file_says_that_groups_are_left_out(scenario: CampaignScenario, client: httpx2.AsyncClient) -> None:
    for name in ("One", "Two", "Three"):
        await scenario.import_rows(name, [{"email": "ann@acme.example"}])
    answer = await client.get("/api/funnel.csv", params={"group_by": "campaign", "limit": 1})
    (row,) = csv.DictReader(StringIO(answer.text))
    assert row["notice"].startswith("2 more groups are left out")


@pytest.mark.parametrize(
    ("query", "field"),
    [("group_by=colour", "group_by"), ("compare=previous", "compare"), ("basis=guess", "basis"), ("limit=0", "limit")],
)
async def test_a_wrong_question_says_what_to_send(client: httpx2.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/api/funnel?{query}")
    assert answer.status_code == 422
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]
