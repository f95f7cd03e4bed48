"""TE7: a person answers in Slack or through the API. A press is a command in the log, stored and executed once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Delivered
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.verification import verify
from tests.destinations.fake_vendors.slack import Message
from tests.destinations.fake_vendors.slack_interactions import ANN, BEN, interaction, press, signed
from tests.destinations.slack.scenario import ACTIONS, SlackScenario

NONE = "choose_record:none"
FIRST = "choose_record:0"


@pytest.fixture
async def message(scenario: SlackScenario) -> Message:
    """A question in Slack."""
    await scenario.connect_slack()
    return await scenario.question_message()


async def test_the_question_shows_the_candidates_and_until_when(scenario: SlackScenario, message: Message) -> None:
    assert "Which record in ClickUp is Sarah Chen" in message.words
    assert "<https://app.clickup.com/t/86a|Sarah Chen>" in message.words
    assert "S. Chen &lt;Globex&gt;" in message.words
    delivery = (await scenario.crm_row())["id"]
    assert message.buttons == {FIRST: f"{delivery} 86a", "choose_record:1": f"{delivery} 86b", NONE: f"{delivery}"}


async def test_a_press_is_a_command_in_the_log_and_the_delivery_goes_on_with_it(
    scenario: SlackScenario, message: Message
) -> None:
    response = await scenario.press_button(message, FIRST)
    assert (response.status_code, response.content) == (200, b"")
    (command,) = await scenario.command_log()
    assert (command["state"], command["actor"], command["trigger"]) == ("applied", "slack:U0ANN (ann)", "record_chosen")
    await scenario.deliver_due(seconds=1)
    assert scenario.crm.attempts[-1].question is not None
    assert scenario.crm.attempts[-1].question.chosen == "86a"
    row = await scenario.crm_row()
    assert (row["state"], row["question"]["answered_by"]) == ("delivered", "slack:U0ANN (ann)")


async def test_an_answered_question_names_the_person_and_has_no_buttons(
    scenario: SlackScenario, message: Message
) -> None:
    await scenario.press_button(message, FIRST)
    await scenario.deliver_due(seconds=1)
    assert message.buttons == {}
    assert "<@U0ANN> chose *Sarah Chen*." in message.words
    assert message.changes == 1
    assert [row["kind"] for row in await scenario.rows(destination="slack", state="delivered")].count(
        "record.chosen"
    ) == 1


async def test_none_of_them_is_an_answer_too(scenario: SlackScenario, message: Message) -> None:
    await scenario.press_button(message, NONE)
    await scenario.deliver_due(seconds=1)
    question = (await scenario.crm_row())["question"]
    assert (question["chosen"], question["answered_by"]) == (None, "slack:U0ANN (ann)")
    assert "none of these. Showup creates a new lead." in message.words


async def test_the_same_press_received_twice_counts_once(scenario: SlackScenario, message: Message) -> None:
    body = press(message, FIRST, scenario.now)
    assert [(await scenario.send_interaction(body)).status_code for _ in range(2)] == [200, 200]
    assert [row["state"] for row in await scenario.command_log()] == ["applied", "duplicate"]


async def test_the_same_press_received_twice_at_once_counts_once(scenario: SlackScenario, message: Message) -> None:
    body = press(message, FIRST, scenario.now)
    async with scenario.http_client() as client:
        sent = (client.post(ACTIONS, content=body, headers=signed(body, scenario.now)) for _ in range(4))
        answers = await asyncio.gather(*sent)
    assert {response.status_code for response in answers} == {200}
    await scenario.apply_events()
    assert sorted(row["state"] for row in await scenario.command_log()) == ["applied", *["duplicate"] * 3]


async def test_the_first_answer_decides(scenario: SlackScenario, message: Message) -> None:
    await scenario.press_button(message, FIRST, user=ANN)
    assert (await scenario.press_button(message, NONE, user=BEN)).status_code == 200
    first, second = await scenario.command_log()
    assert (first["state"], second["state"]) == ("applied", "refused")
    assert second["because"] == "slack:U0ANN (ann) has already answered"
    await scenario.deliver_due(seconds=1)
    assert (await scenario.crm_row())["question"]["chosen"] == "86a"


async def test_two_people_who_press_before_either_is_applied(scenario: SlackScenario, message: Message) -> None:
    async with scenario.http_client() as client:
        for user, action in ((BEN, NONE), (ANN, FIRST)):
            body = press(message, action, scenario.now, user)
            await client.post(ACTIONS, content=body, headers=signed(body, scenario.now))
            scenario.now += timedelta(milliseconds=1)
    await scenario.apply_events()
    assert [(row["actor"][:11], row["state"]) for row in await scenario.command_log()] == [
        ("slack:W0BEN", "applied"),
        ("slack:U0ANN", "refused"),
    ]


async def test_a_late_answer_is_refused_and_the_message_says_so(scenario: SlackScenario, message: Message) -> None:
    body = press(message, FIRST, scenario.now)
    scenario.crm.outcomes.append(Delivered(provider="far", record="90x"))
    await scenario.deliver_due(hours=4, seconds=1)
    await scenario.send_interaction(body)
    (command,) = await scenario.command_log()
    assert (command["state"], command["because"]) == ("refused", "it is too late to answer: the delivery is delivered")
    await scenario.deliver_due(seconds=1)
    assert "No one answered in time" in message.words
    assert message.buttons == {}


async def test_a_press_for_no_delivery_of_ours_is_in_the_log_as_refused(
    scenario: SlackScenario, message: Message
) -> None:
    message.blocks[1]["accessory"]["value"] = f"{uuid4()} 86a"
    await scenario.press_button(message, FIRST)
    (command,) = await scenario.command_log()
    assert (command["state"], command["because"]) == ("refused", "the delivery does not exist")


@pytest.mark.parametrize(
    ("headers", "late"),
    [
        ({"X-Slack-Signature": "v0=0"}, 0),
        ({"X-Slack-Signature": ""}, 0),
        ({"X-Slack-Signature": "v0=\u00e9" * 3}, 0),
        ({"X-Slack-Request-Timestamp": "now"}, 0),
        ({"X-Slack-Request-Timestamp": "٣"}, 0),
        ({"X-Slack-Request-Timestamp": "9" * 400}, 0),
        ({}, 301),
        ({}, -301),
    ],
)
async def test_a_press_without_a_recent_slack_signature_is_not_stored(
    scenario: SlackScenario, message: Message, headers: dict[str, str], late: int
) -> None:
    body = press(message, FIRST, scenario.now)
    wrong = signed(body, scenario.now - timedelta(seconds=late)) | headers
    encoded = {name: value.encode() for name, value in wrong.items()}
    async with scenario.http_client() as client:
        response = await client.post(ACTIONS, content=body, headers=encoded)
    problem = "bad-signature" if wrong["X-Slack-Signature"] else "no-signature"
    assert (response.status_code, response.json()["type"]) == (401, f"urn:showup:problem:{problem}")
    assert await scenario.command_log() == []


async def test_a_signature_is_over_exactly_that_body_and_by_our_secret(
    scenario: SlackScenario, message: Message
) -> None:
    body = press(message, FIRST, scenario.now)
    async with scenario.http_client() as client:
        for content, headers in (
            (body + b"&", signed(body, scenario.now)),
            (body, signed(body, scenario.now, "other")),
        ):
            assert (await client.post(ACTIONS, content=content, headers=headers)).status_code == 401
    assert await scenario.command_log() == []


async def test_an_expired_replayed_press_is_refused(scenario: SlackScenario, message: Message) -> None:
    body = press(message, NONE, scenario.now)
    headers = signed(body, scenario.now)
    scenario.now += timedelta(minutes=5, seconds=1)
    async with scenario.http_client() as client:
        assert (await client.post(ACTIONS, content=body, headers=headers)).status_code == 401


async def test_without_a_signing_secret_presses_are_refused_and_no_question_is_asked(scenario: SlackScenario) -> None:
    await scenario.connect_slack(secret=None)
    body = interaction(type="block_actions", user=ANN, actions=[])
    async with scenario.http_client() as client:
        response = await client.post(ACTIONS, content=body, headers=signed(body, scenario.now))
    assert response.status_code == 503
    assert "SLACK_SIGNING_SECRET" in response.json()["detail"]
    await scenario.raise_question()
    assert [attempt.can_ask for attempt in scenario.crm.attempts] == [False]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (interaction(type="view_submission", user=ANN), 200),
        (interaction(type="block_actions", user=ANN, actions=[{"action_id": "other", "action_ts": "1.1"}]), 200),
        (
            interaction(type="block_actions", user=ANN, actions=[{"action_id": FIRST, "action_ts": "1", "value": "x"}]),
            200,
        ),
        (interaction(type="block_actions", user=None, actions=[]), 400),
        (b"payload=%7B", 400),
        (b"payload=" + b"[" * 5_000, 400),
        (b"payload=1", 400),
        (b"ssl_check=1", 400),
        (b"\xff", 400),
    ],
)
async def test_other_interactions_are_no_answers(scenario: SlackScenario, body: bytes, status: int) -> None:
    await scenario.connect_slack()
    assert (await scenario.send_interaction(body)).status_code == status
    assert await scenario.command_log() == []


@pytest.mark.usefixtures("message")
async def test_a_person_can_decide_by_the_api(scenario: SlackScenario) -> None:
    delivery = (await scenario.crm_row())["id"]
    async with scenario.http_client() as client:
        seen = (await client.get(f"/api/deliveries/{delivery}")).json()
        assert [one["record"] for one in seen["question"]["candidates"]] == ["86a", "86b"]
        assert "waiting until 2026-09-07 13:00:00 UTC for a person to choose the record" in seen["because"]
        done = await client.post(f"/api/deliveries/{delivery}/choose", json={"record": "86b"})
        assert done.status_code == 200, done.text
        assert (done.json()["question"]["chosen"], done.json()["question"]["answered_by"]) == ("86b", "admin")
        again = await client.post(f"/api/deliveries/{delivery}/choose", json={"record": None})
        assert (again.status_code, again.json()["detail"]) == (409, "Admin has already answered.")
        listed = (await client.get("/api/deliveries?destination=clickup")).json()["items"]
        assert set(listed[0]["question"]) == {"until", "answered_by", "chosen"}
    await scenario.deliver_due(seconds=1)
    assert "chose *S. Chen &lt;Globex&gt;*." in scenario.slack.messages()[-1].words
    assert [row["state"] for row in await scenario.command_log()] == ["applied", "refused"]


@pytest.mark.usefixtures("message")
@pytest.mark.parametrize(
    ("body", "status"),
    [({"record": "other"}, 409), ({}, 422), ({"record": ""}, 422), ({"record": 1}, 422), ({"record": None}, 200)],
)
async def test_what_can_be_chosen_by_the_api(scenario: SlackScenario, body: dict[str, Any], status: int) -> None:
    delivery = (await scenario.crm_row())["id"]
    async with scenario.http_client() as client:
        assert (await client.post(f"/api/deliveries/{delivery}/choose", json=body)).status_code == status


async def test_a_decision_elsewhere_before_the_question_was_posted_withdraws_it(scenario: SlackScenario) -> None:
    await scenario.connect_slack()
    scenario.slack.faults.queue("500")
    await scenario.raise_question()
    delivery: UUID = (await scenario.crm_row())["id"]
    async with scenario.http_client() as client:
        await client.post(f"/api/deliveries/{delivery}/choose", json={"record": "86a"})
    await scenario.deliver_due(minutes=1)
    kinds = {row["kind"]: row["state"] for row in await scenario.rows(destination="slack")}
    assert kinds["record.choose"] == "withdrawn"
    assert kinds["record.chosen"] == "delivered"
    assert scenario.slack.messages() == []


async def test_a_rebuild_leaves_decisions_out_and_finds_no_difference(
    scenario: SlackScenario, message: Message
) -> None:
    await scenario.press_button(message, FIRST)
    await scenario.deliver_due(seconds=1)
    async with transaction(scenario.engine) as tx:
        before = (await tx.execute(text("SELECT question::text FROM deliveries WHERE question IS NOT NULL"))).all()
    checked = await rebuild(scenario.engine, RebuildOptions(workspace_ids=[scenario.workspace]))
    assert checked.differing == 0
    async with transaction(scenario.engine) as tx:
        proved = await verify(await driver_connection(tx), {"default": scenario.workspace}, [])
        after = (await tx.execute(text("SELECT question::text FROM deliveries WHERE question IS NOT NULL"))).all()
    assert before == after
    assert proved.break_count == 0


async def test_a_booking_shows_what_each_system_received_and_answered(
    scenario: SlackScenario, message: Message
) -> None:
    scenario.crm.outcomes.append(
        Delivered(provider="clickup", reference="86a", record="86a", found={"url": "https://x"})
    )
    await scenario.press_button(message, FIRST)
    await scenario.deliver_due(seconds=1)
    row = await scenario.crm_row()
    async with scenario.http_client() as client:
        booking = (await client.get(f"/api/bookings/{row['booking_id']}")).json()
    deliveries = {(one["destination"], one["kind"]): one for one in booking["deliveries"]}
    crm = deliveries["clickup", "booking.created"]
    assert (crm["state"], crm["record"], crm["found"], crm["attempts"]) == ("delivered", "86a", {"url": "https://x"}, 2)
    assert deliveries["slack", "record.choose"]["record"] == f"{message.channel}:{message.ts}"
    assert {"because", "due_at", "delivered_at", "provider", "provider_id"} <= crm.keys()
