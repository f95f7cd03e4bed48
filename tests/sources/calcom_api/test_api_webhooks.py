"""Webhooks at Cal.com: list, create and change them in every scope (IN8; reference: Cal.com 9.3)."""

from typing import Any

import pytest

from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_webhooks import USER_SCOPE, RegisteredWebhook, WebhookScope, WebhookSpec
from showup.sources.calcom.client import CalcomClient
from tests.sources.calcom_api.scripted_calcom import ScriptedCalcom, error_response, success_response, version_of

URL = "https://showup.acme.example/webhooks/calcom"
ID = "0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01"
REGISTERED: dict[str, Any] = {
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
READ = RegisteredWebhook(
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
SPEC = WebhookSpec(
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
    pytest.param(USER_SCOPE, "/v2/webhooks", id="user"),
    pytest.param(WebhookScope(event_type_id=5), "/v2/event-types/5/webhooks", id="event type"),
    pytest.param(WebhookScope(team_id=2, event_type_id=5), "/v2/teams/2/event-types/5/webhooks", id="team"),
    pytest.param(WebhookScope(organization_id=3), "/v2/organizations/3/webhooks", id="organization"),
]


@pytest.mark.parametrize(("of", "path"), SCOPES)
async def test_each_scope_has_its_path(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, of: WebhookScope, path: str
) -> None:
    fake_calcom.script(
        success_response([REGISTERED]), success_response(REGISTERED, status=201), success_response(REGISTERED)
    )
    assert await calcom.webhooks(of) == [READ]
    assert await calcom.create_webhook(SPEC, of) == READ
    assert await calcom.change_webhook(ID, SPEC, of) == READ
    assert [(one.method, one.path) for one in fake_calcom.requests] == [
        ("GET", path),
        ("POST", path),
        ("PATCH", f"{path}/{ID}"),
    ]
    assert [one.json for one in fake_calcom.requests] == [None, ASKED, ASKED]
    assert {version_of(one) for one in fake_calcom.requests} == {None}


async def test_unset_fields_are_not_sent(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(success_response(REGISTERED, status=201))
    await calcom.create_webhook(WebhookSpec(subscriber_url=URL, triggers=(), active=False))
    assert fake_calcom.requests[0].json == {"subscriberUrl": URL, "triggers": [], "active": False}


async def test_all_pages_are_listed(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    full_page = [REGISTERED | {"id": number} for number in range(250)]
    fake_calcom.script(success_response(full_page), success_response([REGISTERED, {"id": None}, "odd"]))
    assert [one.id for one in await calcom.webhooks()] == [*map(str, range(250)), ID]
    assert [one.query for one in fake_calcom.requests] == [{"take": "250", "skip": "0"}, {"take": "250", "skip": "250"}]


class TestDuplicateAddress:
    """Cal.com accepts an address once, and answers 409 to a second webhook with it."""

    async def test_the_existing_webhook_is_updated(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        other = REGISTERED | {"id": "other", "subscriberUrl": "https://other.example/"}
        fake_calcom.script(error_response(409), success_response([other, REGISTERED]), success_response(REGISTERED))
        assert await calcom.create_webhook(SPEC) == READ
        assert [one.method for one in fake_calcom.requests] == ["POST", "GET", "PATCH"]
        assert fake_calcom.requests[-1].path == f"/v2/webhooks/{ID}"

    async def test_a_lost_response_creates_no_duplicate(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        fake_calcom.script("reset", error_response(409), success_response([REGISTERED]), success_response(REGISTERED))
        assert await calcom.create_webhook(SPEC) == READ

    async def test_a_webhook_of_another_owner_is_refused(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        fake_calcom.script(error_response(409, "exists"), success_response([]))
        with pytest.raises(CalcomRefused, match="exists") as refused:
            await calcom.create_webhook(SPEC)
        assert refused.value.status == 409


async def test_a_bad_address_is_refused(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(error_response(400, "subscriberUrl must be a URL address"))
    with pytest.raises(CalcomRefused, match="must be a URL address"):
        await calcom.create_webhook(WebhookSpec(subscriber_url="showup", triggers=()))


@pytest.mark.parametrize("data", [{}, None, [REGISTERED]])
async def test_a_webhook_without_id_is_an_error(calcom: CalcomClient, fake_calcom: ScriptedCalcom, data: Any) -> None:
    fake_calcom.script(success_response(data, status=201))
    with pytest.raises(CalcomUnavailable, match="a webhook has no id"):
        await calcom.create_webhook(SPEC)


async def test_at_old_instances_ids_are_numbers(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(success_response([REGISTERED | {"id": 12}]), success_response(REGISTERED))
    [found] = await calcom.webhooks()
    await calcom.change_webhook(found.id, SPEC)
    assert fake_calcom.requests[-1].path == "/v2/webhooks/12"
