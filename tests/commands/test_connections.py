"""Connections to the CRM and the team: set, tried out, examined by the doctor, removed (TE5, RU4)."""

import json
from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.commands.conftest import Said, Showup
from tests.destinations.far.clickup import TOKEN, FarClickUp
from tests.destinations.far.listening import Exchange, Listening

ALLOWED = {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "true"}


@pytest.fixture
def far() -> Iterator[FarClickUp]:
    with FarClickUp() as far:
        yield far
        assert far.wrong == []


@pytest.fixture
def connect(ready: Showup, far: FarClickUp) -> Showup:
    """Sets the connection `sales`; further settings as arguments."""

    def put(*settings: str, token: str = TOKEN) -> Said:
        given = ('lists=["901", "902"]', "inbound_list=903", f"api_url={far.url}", *settings)
        named = [word for one in given for word in ("--setting", one)]
        secrets = json.dumps({"token": token})
        return ready("connections", "set", "clickup", "sales", *named, "--credentials-file", "-", stdin=secrets)

    return put


def of_sales(said: Said) -> list[dict[str, str]]:
    return [one for one in said.json if one["about"] == "connection clickup sales"]


def test_lists_are_written_as_json_and_numbers_as_they_are(connect: Showup, ready: Showup) -> None:
    assert connect().code == 0
    (stored,) = [one for one in ready("connections", "list", "--json").json if one["kind"] == "clickup"]
    assert (stored["settings"]["lists"], stored["settings"]["inbound_list"]) == (["901", "902"], "903")


def test_what_can_be_no_good_is_refused_in_a_sentence(connect: Showup, ready: Showup) -> None:
    said = connect("email_feild=Email")
    assert (said.code, "did you mean email_field?" in said.error) == (1, True)
    lacking = ready("connections", "set", "clickup", "sales", "--setting", 'lists=["901"')
    assert lacking.code == 1
    assert [one for one in ready("connections", "list", "--json").json if one["kind"] == "clickup"] == []


def test_one_that_is_well_says_so(connect: Showup, ready: Showup) -> None:
    connect()
    said = ready("connections", "test", "clickup", "sales", **ALLOWED)
    assert (said.code, said.out) == (0, "clickup takes the credentials, and has what the settings name.\n")
    assert [one["state"] for one in of_sales(ready("doctor", "--json", **ALLOWED))] == ["ok"]


def test_the_doctor_says_what_is_missing_there(connect: Showup, ready: Showup, far: FarClickUp) -> None:
    far.space.lists["902"].email_field = None
    connect()
    said = ready("doctor", "--json", **ALLOWED)
    (fault,) = of_sales(said)
    assert (said.code, fault["state"]) == (1, "fail")
    assert "(902) has no custom field 'Email'" in fault["says"]
    tried = ready("connections", "test", "clickup", "sales", **ALLOWED)
    assert (tried.code, "has no custom field 'Email'" in tried.error) == (1, True)


def test_a_wrong_token_is_said_and_not_shown(connect: Showup, ready: Showup) -> None:
    connect(token="pk_very_wrong")
    said = ready("doctor", "--json", **ALLOWED)
    assert "CLICKUP_API_TOKEN" in of_sales(said)[0]["says"]
    assert "pk_very_wrong" not in said.out + said.error


def test_an_address_in_our_own_network_is_not_called(connect: Showup, ready: Showup, far: FarClickUp) -> None:
    connect()
    (fault,) = of_sales(ready("doctor", "--json"))
    assert "SHOWUP_ALLOW_PRIVATE_ADDRESSES" in fault["says"]
    assert far.calls == []


def test_one_that_is_removed_is_gone(connect: Showup, ready: Showup) -> None:
    connect()
    assert ready("connections", "remove", "clickup", "sales").code == 0
    again = ready("connections", "remove", "clickup", "sales")
    assert (again.code, "connections list" in again.error) == (1, True)
    account = ready("connections", "remove", "calcom", "default")
    assert (account.code, "An account stays" in account.error) == (1, True)


class Instance(Exchange):
    """A Cal.com of somebody's own; `heard` has the addresses asked for, and by which key."""

    heard: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        self.heard.append((self.path, self.headers.get("Authorization")))
        self.answer(200, b"{}", {})


def test_the_key_of_an_account_is_shown_to_its_own_instance_alone(ready: Showup) -> None:
    listening = Listening(Instance)
    secrets = json.dumps({"api_key": "cal_very_secret"})
    where = ("--setting", f"api_url={listening.url}/v2", "--credentials-file", "-")
    assert ready("connections", "set", "calcom", "default", *where, stdin=secrets).code == 0
    said = ready("connections", "test", "calcom", "default", CALCOM_API_URL="http://127.0.0.1:1/v2")
    listening.stop()
    assert (said.code, said.out) == (0, "Cal.com accepts the API key.\n")
    assert Instance.heard == [("/v2/me", "Bearer cal_very_secret")]
