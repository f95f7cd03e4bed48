"""ClickUp's error responses become outcomes, and no fault in between writes anything twice."""

import pytest

from showup.destinations.clickup.health import KIND
from tests.destinations.clickup.scenario import ANN, SETTINGS, ClickUpScenario
from tests.histories.webhooks import attendee

TOKEN = {"token": "pk_far_token"}


@pytest.mark.parametrize(
    ("fault", "state", "because"),
    [
        ("401", "scheduled", "Correct CLICKUP_API_TOKEN"),
        ("workspace", "scheduled", "Give the token's owner access to that list"),
        ("403", "scheduled", "denied access"),
        ("404", "failed", "the token can't see it: correct `lists` and `inbound_list`"),
        ("409", "scheduled", "ClickUp is still processing another request"),
        ("422", "failed", "ClickUp rejected the request"),
        ("500", "scheduled", "ClickUp is unavailable"),
        ("503", "scheduled", "ClickUp is unavailable"),
        ("reset", "scheduled", "closed the connection"),
        ("html", "scheduled", "Check CLICKUP_API_URL"),
        ("garbled", "scheduled", "a response body that Showup can't read"),
    ],
)
async def test_an_error_says_what_to_do(scenario: ClickUpScenario, fault: str, state: str, because: str) -> None:
    await scenario.connect()
    scenario.clickup.faults.queue(fault)
    await scenario.booked()
    assert await scenario.state() == state
    text = await scenario.because()
    assert because in text
    assert "pk_far" not in text
    assert ANN not in text


@pytest.mark.parametrize("fault", ["lost", "500", "reset"])
async def test_whichever_call_breaks_off_nothing_is_written_twice(scenario: ClickUpScenario, fault: str) -> None:
    scenario.settings["name_search"] = False
    await scenario.connect()
    await scenario.booked("first", 99, booker="first@acme.example")
    # A search in each list, the lead, the comment: the layouts of the lists are cached.
    calls = ["GET /list/901/task", "GET /list/902/task", "GET /list/903/task", "POST /list/903/task", "POST comment"]
    for call in range(len(calls)):
        scenario.clickup.faults.queue(*[None] * call, fault)
        await scenario.booked(f"at{call}", call + 1, booker=f"ann{call}@acme.example")
        assert (await scenario.rows(destination="clickup", recipient=f"ann{call}@acme.example"))[0][
            "state"
        ] == "scheduled"
        await scenario.deliver_due(seconds=40)
    assert {row["state"] for row in await scenario.rows(destination="clickup")} == {"delivered"}
    assert [len(one.texts) for one in scenario.clickup.space.of_list("903")] == [1] * (1 + len(calls))
    assert set(scenario.clickup.effects.values()) == {1}


async def test_a_lead_without_email_is_known_again_by_its_mark(scenario: ClickUpScenario) -> None:
    scenario.settings["name_search"] = False
    await scenario.connect()
    # The list, its fields, and then the creation of the lead, which gets no response.
    scenario.clickup.faults.queue(None, None, "lost")
    await scenario.booked(booker=attendee("", "Ann Lee", zone="UTC", phone="+4915112345678"))
    assert scenario.lead().texts == []
    await scenario.deliver_due(seconds=40)
    assert await scenario.state() == "delivered"
    assert len(scenario.lead().texts) == 1


async def test_our_comment_is_found_among_many_newer_ones(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    scenario.clickup.faults.queue(*[None] * 8, "lost")
    await scenario.booked()
    (connection,) = task.comments
    for number in range(60):
        scenario.clickup.space.comment(task.id, {"comment_text": f"note {number}"})
    await scenario.deliver_due(minutes=5)
    (row,) = await scenario.rows(destination="clickup")
    assert row["provider_id"] == connection["id"]
    assert len([one for one in task.texts if "Showup" in one]) == 1


async def test_a_missing_status_is_named_with_those_that_are_there(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.settings["booked"] = "Call Booked"
    scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    assert await scenario.state() == "failed"
    assert "the list Brokers (901) has no status 'Call Booked'" in await scenario.because()
    assert "(to do, Meeting Booked, " in await scenario.because()
    assert scenario.clickup.effects == {}


async def test_a_missing_field_is_named_with_those_that_are_there(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.clickup.space.lists["902"].email_field = "E-Mail"
    await scenario.booked()
    assert await scenario.state() == "failed"
    assert "the list Sellers (902) has no custom field 'Email'" in await scenario.because()
    assert "(E-Mail, Phone)" in await scenario.because()


async def test_a_correction_in_clickup_applies_at_once(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    lists = scenario.clickup.space.lists
    await scenario.booked()
    lead, home = scenario.lead(), lists["903"]
    home.statuses = ("to do", "Called off", "complete")
    scenario.settings["cancelled"] = "called OFF"
    await scenario.cancelled()
    assert lead.status == "Called off", "although the cached list had no such status"


async def test_health_check_names_what_is_missing_in_each_list(scenario: ClickUpScenario) -> None:
    scenario.clickup.space.lists["902"].statuses = ("to do", "done")
    scenario.clickup.space.lists["903"].email_field = None
    settings = KIND.parse_settings({**SETTINGS, "lists": ["901", "902", "777"], "api_url": scenario.clickup.url})
    faults = await KIND.check_health(settings, TOKEN, scenario.context)
    assert [fault.partition(":")[0] for fault in faults] == [
        "the list Sellers (902) has no status 'Meeting Booked'",
        "the list Sellers (902) has no status 'Meeting Cancelled'",
        "the list Sellers (902) has no status 'No Show'",
        "the list Sellers (902) has no status 'Met'",
        "ClickUp has no list 777, or the token can't see it",
        "the list Inbound Leads (903) has no custom field 'Email'",
    ]


async def test_health_check_with_a_wrong_token_reports_only_the_token(scenario: ClickUpScenario) -> None:
    settings = KIND.parse_settings({**SETTINGS, "api_url": scenario.clickup.url})
    (fault,) = await KIND.check_health(settings, {"token": "pk_other"}, scenario.context)
    assert "Correct CLICKUP_API_TOKEN" in fault
    assert await KIND.check_health(settings, TOKEN, scenario.context) == []


@pytest.mark.parametrize(
    ("settings", "because"),
    [
        ({"lists": []}, "set at least one list id"),
        ({"inbound_list": "Inbound Leads"}, "'Inbound Leads' is not a list id"),
        ({"answer_within": "soon"}, "`answer_within` is 'soon'"),
        ({"answer_within": "10d"}, "set at most 3d"),
        ({"sync_every": "5"}, "`sync_every` is '5'"),
        ({"email_feild": "Email"}, "did you mean email_field?"),
    ],
)
def test_invalid_settings_are_refused_with_a_sentence(settings: dict[str, object], because: str) -> None:
    with pytest.raises(ValueError, match="clickup") as refused:
        KIND.parse_settings({**SETTINGS, **settings})
    assert because in str(refused.value)


def test_ids_may_be_numbers() -> None:
    settings = KIND.parse_settings({"lists": [901, 902], "inbound_list": 901})
    assert getattr(settings, "all_lists", None) == ("901", "902")
