"""IN2: nothing gets in without the account's own signature over exactly these bytes, on every path."""

import hashlib
import hmac

import pytest

from showup.sources.calcom.signature import sign
from tests.door.conftest import OLD_SECRET, OTHERS_SECRET, SECRET, Sender

BODY = b'{"triggerEvent":"PING","createdAt":"2026-09-01T00:00:00.000Z","payload":{}}'
RIGHT = sign(SECRET.encode(), BODY)
PATHS = (
    "/webhooks/calcom",
    "/webhooks/calcom/default",
    "/api/webhooks/calcom",
    "/api/webhooks/cal",
    "/webhook/calcom-booking",
)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(sign(b"wrong", BODY), id="wrong"),
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(RIGHT.upper(), id="upper-case hex"),
        pytest.param(f"sha256={RIGHT}", id="sha256= prefix"),
        pytest.param("no-secret-provided", id="no-secret-provided"),
        pytest.param(sign(OTHERS_SECRET.encode(), BODY), id="right for another account"),
        pytest.param(sign(SECRET.encode(), BODY + b" "), id="right for another body"),
        pytest.param(hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(), id="another algorithm"),
        pytest.param(sign(b"", BODY), id="empty secret"),
        pytest.param("é" * 32, id="no ASCII"),
    ],
)
async def test_everything_but_the_right_signature_is_refused(door: Sender, signature: str | None) -> None:
    headers = {} if signature is None else {b"X-Cal-Signature-256": signature.encode("latin-1")}
    for path in PATHS:
        answer = await door.client.post(path, content=BODY, headers=headers)
        assert answer.status_code == 401, path
    assert await door.kept() == []


async def test_invalid_signature_returns_401(door: Sender) -> None:
    """Seed 004's checklist, on the seed's path and in its words."""
    answer = await door.client.post("/api/webhooks/cal", content=BODY)
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid signature"})


async def test_the_seeds_header_name_is_taken_on_the_seeds_path_only(door: Sender) -> None:
    headers = {"x-cal-signature": RIGHT}
    assert (await door.client.post("/api/webhooks/cal", content=BODY, headers=headers)).json() == {"success": True}
    assert (await door.client.post("/webhooks/calcom", content=BODY, headers=headers)).status_code == 401


async def test_during_a_rotation_both_secrets_pass(door: Sender) -> None:
    assert (await door.send(BODY, secret=SECRET)).status_code == 200
    assert (await door.send(BODY + b" ", secret=OLD_SECRET)).status_code == 200


async def test_a_secret_past_its_rotation_no_longer_passes(door: Sender) -> None:
    assert (await door.send(BODY, secret="expired", path="/webhooks/calcom/other")).status_code == 401


async def test_without_a_secret_the_door_says_what_to_set(door: Sender) -> None:
    answer = await door.send(BODY, path="/webhooks/calcom/bare", secret="anything")
    assert answer.status_code == 503
    assert "CALCOM_WEBHOOK_SECRET" in answer.json()["detail"]
    assert await door.kept() == []


async def test_an_unknown_account_is_told_how_to_be_known(door: Sender) -> None:
    answer = await door.send(BODY, path="/webhooks/calcom/nobody")
    assert answer.status_code == 404
    assert "showup accounts add nobody" in answer.json()["detail"]
