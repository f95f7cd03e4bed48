"""`/api/connections`: connecting other systems, changing how, disconnecting them; their secrets are never shown."""

from typing import Any

import httpx2
import pytest

from tests.web.cast import id_of
from tests.web.conftest import Asking
from tests.web.scene import Scene

PATH = "/api/connections"
SLACK = {
    "kind": "slack",
    "name": "team",
    "settings": {"channel": "C0123456789"},
    "credentials": {"bot_token": "xoxb-very-secret", "signing_secret": "also-very-secret"},
}
CLICKUP = {
    "kind": "clickup",
    "name": "sales",
    "settings": {"lists": ["901"], "inbound_list": "902"},
    "credentials": {"token": "pk_very_secret"},
}


@pytest.fixture
def admin(acting: Asking) -> httpx2.AsyncClient:
    return acting("admin")


@pytest.fixture
async def made(admin: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await admin.post(PATH, json=SLACK)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listening(scene: Scene, destination: str = "slack") -> set[str]:
    found = await scene.rows("subscriptions", destination=destination, until=None)
    return {kind for row in found for kind in row["kinds"]}


async def test_what_is_connected_listens_from_now_on(made: dict[str, Any], scene: Scene) -> None:
    assert (made["kind"], made["name"], made["has_credentials"]) == ("slack", "team", True)
    assert made["settings"] == SLACK["settings"]
    assert "booking.created" in await listening(scene)
    (row,) = await scene.rows("connections", kind="slack")
    assert b"very-secret" not in row["credentials"]


async def test_its_secrets_are_shown_nowhere(made: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    listed = await admin.get(PATH)
    changed = await admin.patch(f"{PATH}/{made['id']}", json={"credentials": {"bot_token": "xoxb-another-very-secret"}})
    for text in (str(made), listed.text, changed.text):
        assert "very-secret" not in text


async def test_what_is_not_named_stays(made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene) -> None:
    path = f"{PATH}/{made['id']}"
    changed = (await admin.patch(path, json={"settings": {"notices": ["booking.no_show"]}})).json()
    assert changed["settings"] == SLACK["settings"] | {"notices": ["booking.no_show"]}
    assert await listening(scene) == {"booking.no_show"}
    back = (await admin.patch(path, json={"settings": {"notices": None}})).json()
    assert back["settings"] == SLACK["settings"]
    assert "booking.created" in await listening(scene)
    assert back["has_credentials"]


async def test_whoever_is_disconnected_listens_no_more(
    made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene
) -> None:
    path = f"{PATH}/{made['id']}"
    assert (await admin.delete(path)).json()["id"] == made["id"]
    assert await listening(scene) == set()
    assert (await admin.delete(path)).status_code == 404


async def test_one_of_a_kind_and_one_of_a_name(made: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    again = await admin.post(PATH, json=SLACK)
    assert again.json()["type"] == "urn:showup:problem:exists-already"
    assert made["id"] in again.json()["detail"]
    other = await admin.post(PATH, json=SLACK | {"name": "others"})
    assert (other.status_code, "change that one" in other.text) == (422, True)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (CLICKUP | {"settings": {"lists": ["901"], "inbound_lst": "902"}}, "did you mean inbound_list?"),
        (CLICKUP | {"settings": {"lists": ["sales"], "inbound_list": "902"}}, "no id of a list"),
        (CLICKUP | {"credentials": {"tokn": "x"}}, "token"),
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "api_url": "http://10.0.0.1/"}}, "https://"),
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "api_url": "https://10.0.0.1"}}, "no public"),
        (CLICKUP | {"kind": "calcom"}, "clickup"),
        (CLICKUP | {"kind": "fax"}, "clickup"),
        # The environment's own may lead anywhere.
        (CLICKUP | {"name": "environment"}, "take another"),
    ],
)
async def test_what_can_be_no_good_is_refused_with_its_reason(
    admin: httpx2.AsyncClient, scene: Scene, said: dict[str, Any], because: str
) -> None:
    answer = await admin.post(PATH, json=said)
    assert answer.status_code == 422
    assert because in answer.text
    assert "very_secret" not in answer.text
    assert await scene.rows("connections", kind="clickup") == []


async def test_what_is_changed_elsewhere_is_refused_here(admin: httpx2.AsyncClient, scene: Scene) -> None:
    account = f"{PATH}/{id_of('ours.account')}"
    for answer in (await admin.patch(account, json={"settings": {}}), await admin.delete(account)):
        assert answer.status_code == 409
        assert "account of Cal.com" in answer.text
    assert len(await scene.rows("connections", kind="calcom", workspace_id=id_of("ours"))) == 1


async def test_another_address_is_not_told_the_secrets_that_are_kept(
    made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene
) -> None:
    """Else whoever may change a connection, and never sees its token, has it sent to an address of theirs."""
    path, elsewhere = f"{PATH}/{made['id']}", {"settings": {"api_url": "https://mine.example/api"}}
    for said in (elsewhere, elsewhere | {"credentials": {"signing_secret": "mine"}}):
        answer = await admin.patch(path, json=said)
        assert (answer.status_code, "bot_token" in answer.text) == (422, True)
    (row,) = await scene.rows("connections", kind="slack")
    assert row["settings"] == SLACK["settings"]
    anew = elsewhere | {"credentials": {"bot_token": "xoxb-mine"}}
    assert (await admin.patch(path, json=anew)).status_code == 200
    # The same address once more is no other one.
    assert (await admin.patch(path, json=elsewhere)).status_code == 200


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("smtp://127.0.0.1:25", "no public address"),
        ("smtp://ann:very-secret@10.0.0.1", "no public address"),
        ("smtps://[::1]:465", "no public address"),
        ("smtp://mailhost", "no public address"),
        ("http://mail.example.com", "should be an address such as smtp://"),
    ],
)
async def test_mail_is_not_sent_into_our_own_network_either(
    admin: httpx2.AsyncClient, scene: Scene, url: str, because: str
) -> None:
    said = {"kind": "smtp", "name": "mine", "credentials": {"url": url}}
    answer = await admin.post(PATH, json=said)
    assert (answer.status_code, because in answer.text) == (422, True)
    assert "very-secret" not in answer.text
    assert await scene.rows("connections", kind="smtp") == []


async def test_a_public_mail_server_can_be_connected(admin: httpx2.AsyncClient) -> None:
    said = {"kind": "smtp", "name": "mine", "credentials": {"url": "smtp://ann:pw@mail.example.com:587"}}
    assert (await admin.post(PATH, json=said)).status_code == 201
