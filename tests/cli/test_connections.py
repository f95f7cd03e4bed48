"""Connections are set, tested, checked by the doctor and removed (TE5, RU4)."""

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import CommandResult, Showup
from tests.destinations.fake_vendors.clickup import TOKEN, FakeClickUp
from tests.vendors.server import ReceivedRequest, VendorResponse, VendorServer

ALLOWED = {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "true"}


@pytest.fixture
def fake_clickup() -> Iterator[FakeClickUp]:
    with FakeClickUp() as fake_clickup:
        yield fake_clickup


@pytest.fixture
def connect(ready: Showup, fake_clickup: FakeClickUp) -> Showup:
    """Sets the connection `sales`; arguments are additional settings."""

    def put(*settings: str, token: str = TOKEN) -> CommandResult:
        all_settings = ('lists=["901", "902"]', "inbound_list=903", f"api_url={fake_clickup.url}", *settings)
        options = [word for setting in all_settings for word in ("--setting", setting)]
        credentials = json.dumps({"token": token})
        command = ("connections", "set", "clickup", "sales", *options, "--credentials-file", "-")
        return ready(*command, stdin=credentials, **ALLOWED)

    return put


def sales_results(result: CommandResult) -> list[dict[str, str]]:
    return [row for row in result.json if row["subject"] == "connection clickup sales"]


def test_json_lists_are_parsed_and_numbers_stay_text(connect: Showup, ready: Showup) -> None:
    assert connect().code == 0
    (stored,) = [
        connection for connection in ready("connections", "list", "--json").json if connection["kind"] == "clickup"
    ]
    assert (stored["settings"]["lists"], stored["settings"]["inbound_list"]) == (["901", "902"], "903")


def test_invalid_settings_are_refused_with_a_message(connect: Showup, ready: Showup) -> None:
    result = connect("email_feild=Email")
    assert (result.code, "did you mean email_field?" in result.error) == (1, True)
    malformed = ready("connections", "set", "clickup", "sales", "--setting", 'lists=["901"')
    assert malformed.code == 1
    assert [
        connection for connection in ready("connections", "list", "--json").json if connection["kind"] == "clickup"
    ] == []


def test_s11_text_that_can_not_be_stored_is_refused(ready: Showup) -> None:
    credentials = json.dumps({"api_key": "re_\0", "webhook_secret": "whsec_"})
    result = ready("connections", "set", "resend", "main", "--credentials-file", "-", stdin=credentials)
    assert (result.code, "the character NUL (U+0000), which can't be stored" in result.error) == (1, True)


def test_a_healthy_connection_passes_its_test(connect: Showup, ready: Showup) -> None:
    connect()
    result = ready("connections", "test", "clickup", "sales", **ALLOWED)
    assert (result.code, result.out) == (
        0,
        "clickup accepts the credentials, and everything that the settings name exists.\n",
    )
    assert [check["state"] for check in sales_results(ready("doctor", "--json", **ALLOWED))] == ["ok"]


def test_the_doctor_reports_what_is_missing_at_the_destination(
    connect: Showup, ready: Showup, fake_clickup: FakeClickUp
) -> None:
    fake_clickup.space.lists["902"].email_field = None
    connect()
    result = ready("doctor", "--json", **ALLOWED)
    (fault,) = sales_results(result)
    assert (result.code, fault["state"]) == (1, "fail")
    assert "(902) has no custom field 'Email'" in fault["message"]
    tested = ready("connections", "test", "clickup", "sales", **ALLOWED)
    assert (tested.code, "has no custom field 'Email'" in tested.error) == (1, True)


def test_a_wrong_token_is_reported_and_not_shown(connect: Showup, ready: Showup) -> None:
    connect(token="pk_very_wrong")
    result = ready("doctor", "--json", **ALLOWED)
    assert "CLICKUP_API_TOKEN" in sales_results(result)[0]["message"]
    assert "pk_very_wrong" not in result.out + result.error


def test_a_private_address_is_not_called(connect: Showup, ready: Showup, fake_clickup: FakeClickUp) -> None:
    connect()
    (fault,) = sales_results(ready("doctor", "--json"))
    assert "SHOWUP_ALLOW_PRIVATE_ADDRESSES" in fault["message"]
    assert fake_clickup.calls == []


def test_a_removed_connection_is_gone(connect: Showup, ready: Showup) -> None:
    connect()
    assert ready("connections", "remove", "clickup", "sales").code == 0
    again = ready("connections", "remove", "clickup", "sales")
    assert (again.code, "connections list" in again.error) == (1, True)
    account = ready("connections", "remove", "calcom", "default")
    assert (account.code, "can't be removed" in account.error) == (1, True)


@pytest.mark.parametrize(
    ("kind", "name", "setting", "credentials", "field"),
    [
        ("calcom", "default", "api_url=http://127.0.0.1/v2", {"api_key": "cal_1"}, "settings.api_url"),
        ("calcom", "default", "api_url=https://169.254.169.254/v2", {"api_key": "cal_1"}, "settings.api_url"),
        ("clickup", "sales", "api_url=https://localhost/", {"token": "pk_1"}, "settings.api_url"),
        ("smtp", "main", "at_once=2", {"url": "smtp://127.0.0.1:25"}, "credentials.url"),
        ("smtp", "main", "at_once=2", {"url": "smtp://[::1]"}, "credentials.url"),
    ],
)
def test_s12_addresses_are_checked_when_they_are_set(
    ready: Showup, kind: str, name: str, setting: str, credentials: dict[str, str], field: str
) -> None:
    """By the same policy as over the API."""
    options = ("--setting", setting, "--credentials-file", "-")
    refused = ready("connections", "set", kind, name, *options, stdin=json.dumps(credentials))
    assert refused.code == 1
    assert field in refused.error
    assert "SHOWUP_ALLOW_PRIVATE_ADDRESSES" in refused.error or "https://" in refused.error


class FakeCalcomInstance(VendorServer):
    """A self-hosted Cal.com that accepts every key."""

    def answer(self, request: ReceivedRequest) -> VendorResponse:  # noqa: ARG002 - the same for all
        return VendorResponse(200, {})


def test_an_account_key_is_sent_only_to_its_own_instance(ready: Showup) -> None:
    """S06: and to an address in this network only where private addresses are allowed."""
    credentials = json.dumps({"api_key": "cal_very_secret"})
    with FakeCalcomInstance() as server:
        options = ("--setting", f"api_url={server.url}/v2", "--credentials-file", "-")
        assert ready("connections", "set", "calcom", "default", *options, stdin=credentials, **ALLOWED).code == 0
        refused = ready("connections", "test", "calcom", "default")
        assert (refused.code, "SHOWUP_ALLOW_PRIVATE_ADDRESSES" in refused.error, server.requests) == (1, True, [])
        result = ready("connections", "test", "calcom", "default", CALCOM_API_URL="http://127.0.0.1:1/v2", **ALLOWED)
    # It knows no webhook of Showup.
    assert (result.code, "set the webhook" in result.error) == (1, True), result.error
    assert [one.path for one in server.requests][:2] == ["/v2/me", "/v2/webhooks"]
    assert {one.headers["authorization"] for one in server.requests} == {"Bearer cal_very_secret"}
