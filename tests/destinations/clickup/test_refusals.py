"""What ClickUp's refusals come to, and that nothing is written twice whatever happens in between."""

import pytest

from showup.destinations.clickup.connect import KIND
from tests.destinations.clickup.desk import ANN, SETTINGS, Desk

TOKEN = {"token": "pk_far_token"}


@pytest.mark.parametrize(
    ("fault", "state", "because"),
    [
        ("401", "scheduled", "Put CLICKUP_API_TOKEN right"),
        ("workspace", "scheduled", "Let whoever the token belongs to work in that list"),
        ("403", "scheduled", "does not let this token in"),
        ("404", "failed", "the token can't see it: put `lists` and `inbound_list` right"),
        ("409", "scheduled", "ClickUp is busy"),
        ("422", "failed", "ClickUp can't do this"),
        ("500", "scheduled", "ClickUp is out of order"),
        ("503", "scheduled", "ClickUp is out of order"),
        ("reset", "scheduled", "broke the connection off"),
        ("html", "scheduled", "Look at CLICKUP_API_URL"),
        ("garbled", "scheduled", "a body that can't be read"),
    ],
)
async def test_a_refusal_says_what_to_do(desk: Desk, fault: str, state: str, because: str) -> None:
    await desk.connect()
    desk.clickup.faults.next(fault)
    await desk.booked()
    assert await desk.state() == state
    said = await desk.because()
    assert because in said
    assert "pk_far" not in said
    assert ANN not in said


@pytest.mark.parametrize("fault", ["lost", "500", "reset"])
async def test_whichever_call_breaks_off_nothing_is_written_twice(desk: Desk, fault: str) -> None:
    desk.settings["name_search"] = False
    await desk.connect()
    await desk.booked("first", 99, email="first@acme.example")
    # A search in each list, the lead, the comment: what the lists are like is known by now.
    calls = ["GET /list/901/task", "GET /list/902/task", "GET /list/903/task", "POST /list/903/task", "POST comment"]
    for call in range(len(calls)):
        desk.clickup.faults.next(*[None] * call, fault)
        await desk.booked(f"at{call}", call + 1, email=f"ann{call}@acme.example")
        assert (await desk.rows(destination="clickup", recipient=f"ann{call}@acme.example"))[0]["state"] == "scheduled"
        await desk.tell(seconds=40)
    assert {row["state"] for row in await desk.rows(destination="clickup")} == {"delivered"}
    assert [len(one.texts) for one in desk.clickup.space.of_list("903")] == [1] * (1 + len(calls))
    assert set(desk.clickup.effects.values()) == {1}


async def test_a_lead_without_email_is_known_again_by_its_mark(desk: Desk) -> None:
    desk.settings["name_search"] = False
    await desk.connect()
    # The list, its fields, and then the lead, whose making is never answered.
    desk.clickup.faults.next(None, None, "lost")
    by_phone = {"name": "Ann Lee", "timeZone": "UTC", "phoneNumber": "+4915112345678", "email": ""}
    await desk.booked(email="", attendees=[by_phone])
    assert desk.lead().texts == []
    await desk.tell(seconds=40)
    assert await desk.state() == "delivered"
    assert len(desk.lead().texts) == 1


async def test_our_comment_is_found_among_many_newer_ones(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    desk.clickup.faults.next(*[None] * 8, "lost")
    await desk.booked()
    (ours,) = task.comments
    for number in range(60):
        desk.clickup.space.comment(task.id, {"comment_text": f"note {number}"})
    await desk.tell(minutes=5)
    (row,) = await desk.rows(destination="clickup")
    assert row["provider_id"] == ours["id"]
    assert len([one for one in task.texts if "Showup" in one]) == 1


async def test_a_missing_status_is_named_with_those_that_are_there(desk: Desk) -> None:
    await desk.connect()
    desk.settings["booked"] = "Call Booked"
    desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    assert await desk.state() == "failed"
    assert "the list Brokers (901) has no status 'Call Booked'" in await desk.because()
    assert "(to do, Meeting Booked, " in await desk.because()
    assert desk.clickup.effects == {}


async def test_a_missing_field_is_named_with_those_that_are_there(desk: Desk) -> None:
    await desk.connect()
    desk.clickup.space.lists["902"].email_field = "E-Mail"
    await desk.booked()
    assert await desk.state() == "failed"
    assert "the list Sellers (902) has no custom field 'Email'" in await desk.because()
    assert "(E-Mail, Phone)" in await desk.because()


async def test_what_was_put_right_in_clickup_is_seen_at_once(desk: Desk) -> None:
    await desk.connect()
    lists = desk.clickup.space.lists
    await desk.booked()
    lead, home = desk.lead(), lists["903"]
    home.statuses = ("to do", "Called off", "complete")
    desk.settings["cancelled"] = "called OFF"
    await desk.cancelled()
    assert lead.status == "Called off", "though the list was known to have no such status"


async def test_examining_says_what_is_missing_in_each_list(desk: Desk) -> None:
    desk.clickup.space.lists["902"].statuses = ("to do", "done")
    desk.clickup.space.lists["903"].email_field = None
    settings = KIND.read({**SETTINGS, "lists": ["901", "902", "777"], "api_url": desk.clickup.url})
    faults = await KIND.examine(settings, TOKEN, desk.outfit)
    assert [fault.partition(":")[0] for fault in faults] == [
        "the list Sellers (902) has no status 'Meeting Booked'",
        "the list Sellers (902) has no status 'Meeting Cancelled'",
        "the list Sellers (902) has no status 'No Show'",
        "the list Sellers (902) has no status 'Met'",
        "ClickUp has no list 777, or the token can't see it",
        "the list Inbound Leads (903) has no custom field 'Email'",
    ]


async def test_examining_with_a_wrong_token_says_just_that(desk: Desk) -> None:
    settings = KIND.read({**SETTINGS, "api_url": desk.clickup.url})
    (fault,) = await KIND.examine(settings, {"token": "pk_other"}, desk.outfit)
    assert "Put CLICKUP_API_TOKEN right" in fault
    assert await KIND.examine(settings, TOKEN, desk.outfit) == []


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"lists": []}, "names no list"),
        ({"inbound_list": "Inbound Leads"}, "'Inbound Leads' is no id of a list"),
        ({"answer_within": "soon"}, "`answer_within` is 'soon'"),
        ({"answer_within": "10d"}, "can be 3d at most"),
        ({"sync_every": "5"}, "`sync_every` is '5'"),
        ({"email_feild": "Email"}, "did you mean email_field?"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_sentence(given: dict[str, object], because: str) -> None:
    with pytest.raises(ValueError, match="clickup") as refused:
        KIND.read({**SETTINGS, **given})
    assert because in str(refused.value)


def test_ids_may_be_numbers() -> None:
    settings = KIND.read({"lists": [901, 902], "inbound_list": 901})
    assert getattr(settings, "every_list", None) == ("901", "902")
