"""One reading of a response for all vendors: the same status has the same outcome, except for a vendor's own codes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from showup.destinations.clickup.client import CLICKUP
from showup.destinations.contract import GaveUp
from showup.destinations.email.client import RESEND
from showup.destinations.emailbison.client import EMAILBISON
from showup.destinations.notion.client import NOTION
from showup.destinations.slack.client import SLACK
from showup.destinations.twilio.client import TWILIO
from showup.destinations.vendor_api import Authorization, Vendor, VendorApi, VendorError, basic, bearer
from tests.destinations.conformance.case import outcome_text
from tests.destinations.conformance.scripted_server import responding
from tests.vendors.http_server import PAGE

NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
KEY = "s3cret-key"
ERRORS: Mapping[str, tuple[Vendor, dict[str, Any]]] = {
    "ClickUp": (CLICKUP, {"err": "No.", "ECODE": "ITEM_000"}),
    "EmailBison": (EMAILBISON, {"data": {"success": False, "message": "No."}}),
    "Notion": (NOTION, {"object": "error", "code": "no", "message": "No."}),
    "Resend": (RESEND, {"name": "no", "message": "No."}),
    "Twilio": (TWILIO, {"code": 20000, "message": "No."}),
    "Slack": (SLACK, {"ok": False, "error": "internal_error"}),
}
OUTCOMES = {
    **dict.fromkeys((400, 404, 410, 413, 422), "gave_up"),
    **dict.fromkeys((409, 423, 425), "delivery"),
    **dict.fromkeys((401, 403), "destination"),
    **dict.fromkeys((408, 500, 502, 503, 504, 529), "destination"),
    **dict.fromkeys((301, 302, 402, 405, 406, 407, 414, 415, 418, 431, 451), "destination"),
    429: "limit",
}
# The path that Showup calls exists at Resend; Twilio's contains the account; Resend's 451 is about one mail. Slack has
# its own codes, here one for an outage.
OWN = {
    ("Resend", 404): "destination",
    ("Resend", 451): "gave_up",
    ("Twilio", 404): "destination",
    **{("Slack", status): "destination" for status in OUTCOMES if status != 429},
}


async def failure(client: httpx2.AsyncClient, vendor: Vendor, status: int, body: bytes) -> VendorError:
    with responding(status, body) as server:
        api = VendorApi(client, vendor, url=server.url, authorization=bearer(KEY), clock=lambda: NOW)
        with pytest.raises(VendorError) as error:
            await api.call("GET", "/", what="the list 901")
    return error.value


@pytest.mark.parametrize("status", OUTCOMES)
@pytest.mark.parametrize("name", ERRORS)
async def test_a_status_has_the_same_outcome_at_every_vendor(
    client: httpx2.AsyncClient, name: str, status: int
) -> None:
    vendor, body = ERRORS[name]
    error = await failure(client, vendor, status, json.dumps(body).encode())
    assert outcome_text(error.outcome) == OWN.get((name, status), OUTCOMES[status]), error.outcome


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
@pytest.mark.parametrize("name", ERRORS)
async def test_a_page_of_a_proxy_is_no_word_of_the_vendor(client: httpx2.AsyncClient, name: str, status: int) -> None:
    error = await failure(client, ERRORS[name][0], status, PAGE)
    assert (outcome_text(error.outcome), error.status) == ("destination", 0)
    assert f"not {name}'s API" in error.outcome.because


async def test_a_request_that_is_too_large_fails_whoever_says_so(client: httpx2.AsyncClient) -> None:
    error = await failure(client, CLICKUP, 413, PAGE)
    assert isinstance(error.outcome, GaveUp)
    assert "the list 901, which is too large" in error.outcome.because


@pytest.mark.parametrize("authorization", [bearer(f" {KEY}\n"), basic("user", KEY)])
async def test_no_secret_is_repeated(client: httpx2.AsyncClient, authorization: Authorization) -> None:
    header = authorization.header.decode()
    body = json.dumps({"err": f"{header} {KEY} and +4915112345678"}).encode()
    with responding(422, body) as server:
        api = VendorApi(client, CLICKUP, url=server.url, authorization=authorization, clock=lambda: NOW)
        with pytest.raises(VendorError, match="rejected the request") as error:
            await api.call("GET", "/", what="the list 901", hidden="+4915112345678")
    assert server.secrets == [header.rpartition(" ")[2]]
    assert not [one for one in (*authorization.secrets, "+49151") if one in str(error.value)]


@pytest.mark.parametrize("part", [slice(0, 12), slice(-12, None), slice(4, -4)])
async def test_s13_no_part_of_a_secret_is_repeated(client: httpx2.AsyncClient, part: slice) -> None:
    key = "pk_12345678_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    with responding(422, json.dumps({"err": f"the key {key[part]}*** is not allowed here"}).encode()) as server:
        api = VendorApi(client, CLICKUP, url=server.url, authorization=bearer(key), clock=lambda: NOW)
        with pytest.raises(VendorError, match="is not allowed here") as error:
            await api.call("GET", "/", what="the list 901")
    assert key[part] not in str(error.value)
    assert "the key …*** is" in str(error.value)
