"""Webhooks at Cal.com: listed, made, changed, in every scope (IN8; reference: Cal.com 9.3)."""

from typing import Any

import pytest

from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_webhooks import USER, Webhook, WebhookScope, WebhookWanted
from tests.sources.calcom_api.far import BROKEN, FarCalcom, ok, refusal

URL = "https://showup.acme.example/webhooks/calcom"
ID = "0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01"
STANDING: dict[str, Any] = {
    "id": ID,
    "subscriberUrl": URL,
    "triggers": ["BOOKING_CREATED"],
    "active": False,
    "secret": "s3cret",
    "payloadTemplate": "{}",
    "version": "2021-10-20",
    "time": 5,
    "timeUnit": "MINUTE",
    "userId": 7,
}
READ = Webhook(
    id=ID,
    subscriber_url=URL,
    triggers=("BOOKING_CREATED",),
    active=False,
    secret="s3cret",
    payload_template="{}",
    version="2021-10-20",
    time=5,
    time_unit="MINUTE",
)
WANTED = WebhookWanted(
    subscriber_url=URL,
    triggers=("BOOKING_CREATED", "MEETING_ENDED"),
    secret="s3cret",
    payload_template="",
    time=5,
    time_unit="MINUTE",
)
ASKED = {
    "subscriberUrl": URL,
    "triggers": ["BOOKING_CREATED", "MEETING_ENDED"],
    "active": True,
    "secret": "s3cret",
    "payloadTemplate": "",
    "time": 5,
    "timeUnit": "MINUTE",
}
SCOPES = [
    pytest.param(USER, "/v2/webhooks", id="user"),
    pytest.param(WebhookScope(event_type_id=5), "/v2/event-types/5/webhooks", id="event type"),
    pytest.param(WebhookScope(team_id=2, event_type_id=5), "/v2/teams/2/event-types/5/webhooks", id="team"),
    pytest.param(WebhookScope(organization_id=3), "/v2/organizations/3/webhooks", id="organization"),
]


@pytest.mark.parametrize(("of", "path"), SCOPES)
async def test_each_scope_has_its_place(calcom: Calcom, far: FarCalcom, of: WebhookScope, path: str) -> None:
    far.will_say(ok([STANDING]), ok(STANDING, status=201), ok(STANDING))
    assert await calcom.webhooks(of) == [READ]
    assert await calcom.create_webhook(WANTED, of) == READ
    assert await calcom.change_webhook(ID, WANTED, of) == READ
    assert [(one.method, one.path) for one in far.asked] == [("GET", path), ("POST", path), ("PATCH", f"{path}/{ID}")]
    assert [one.body for one in far.asked] == [None, ASKED, ASKED]
    assert {one.version for one in far.asked} == {None}


async def test_what_is_not_wanted_is_not_said(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(ok(STANDING, status=201))
    await calcom.create_webhook(WebhookWanted(subscriber_url=URL, triggers=(), active=False))
    assert far.asked[0].body == {"subscriberUrl": URL, "triggers": [], "active": False}


async def test_all_pages_are_listed(calcom: Calcom, far: FarCalcom) -> None:
    full = [STANDING | {"id": number} for number in range(250)]
    far.will_say(ok(full), ok([STANDING, {"id": None}, "odd"]))
    assert [one.id for one in await calcom.webhooks()] == [*map(str, range(250)), ID]
    assert [one.query for one in far.asked] == [{"take": "250", "skip": "0"}, {"take": "250", "skip": "250"}]


class TestTheSameAddressTwice:
    """Cal.com takes an address once, and answers 409 afterwards."""

    async def test_it_is_changed_to_what_is_wanted(self, calcom: Calcom, far: FarCalcom) -> None:
        other = STANDING | {"id": "other", "subscriberUrl": "https://other.example/"}
        far.will_say(refusal(409), ok([other, STANDING]), ok(STANDING))
        assert await calcom.create_webhook(WANTED) == READ
        assert [one.method for one in far.asked] == ["POST", "GET", "PATCH"]
        assert far.asked[-1].path == f"/v2/webhooks/{ID}"

    async def test_an_answer_that_was_lost_makes_no_second_one(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(BROKEN, refusal(409), ok([STANDING]), ok(STANDING))
        assert await calcom.create_webhook(WANTED) == READ

    async def test_one_that_is_somebody_elses_is_refused(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(refusal(409, "exists"), ok([]))
        with pytest.raises(CalcomRefuses, match="exists") as refused:
            await calcom.create_webhook(WANTED)
        assert refused.value.status == 409


async def test_a_bad_address_is_refused(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(refusal(400, "subscriberUrl must be a URL address"))
    with pytest.raises(CalcomRefuses, match="must be a URL address"):
        await calcom.create_webhook(WebhookWanted(subscriber_url="showup", triggers=()))


@pytest.mark.parametrize("data", [{}, None, [STANDING]])
async def test_one_without_id_is_none(calcom: Calcom, far: FarCalcom, data: Any) -> None:
    far.will_say(ok(data, status=201))
    with pytest.raises(CalcomAway, match="a webhook has no id"):
        await calcom.create_webhook(WANTED)


async def test_at_old_instances_ids_are_numbers(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(ok([STANDING | {"id": 12}]), ok(STANDING))
    [found] = await calcom.webhooks()
    await calcom.change_webhook(found.id, WANTED)
    assert far.asked[-1].path == "/v2/webhooks/12"
