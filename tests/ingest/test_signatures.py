"""IN2: every path requires the account's signature over exactly these bytes."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from showup.sources.calcom.signature import sign
from showup.web.limited_log import LINES_PER_MINUTE
from showup.web.signature_counter import BadSignatureCounter
from tests.ingest.conftest import OLD_SECRET, OTHER_SECRET, SECRET, WebhookSender

BODY = b'{"triggerEvent":"PING","createdAt":"2026-09-01T00:00:00.000Z","payload":{}}'
VALID_SIGNATURE = sign(SECRET.encode(), BODY)
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
        pytest.param(VALID_SIGNATURE.upper(), id="upper-case hex"),
        pytest.param(f"sha256={VALID_SIGNATURE}", id="sha256= prefix"),
        pytest.param("no-secret-provided", id="no-secret-provided"),
        pytest.param(sign(OTHER_SECRET.encode(), BODY), id="right for another account"),
        pytest.param(sign(SECRET.encode(), BODY + b" "), id="right for another body"),
        pytest.param(hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(), id="another algorithm"),
        pytest.param(sign(b"", BODY), id="empty secret"),
        pytest.param("é" * 32, id="no ASCII"),
    ],
)
async def test_every_invalid_signature_is_refused(sender: WebhookSender, signature: str | None) -> None:
    headers = {} if signature is None else {b"X-Cal-Signature-256": signature.encode("latin-1")}
    for path in PATHS:
        response = await sender.client.post(path, content=BODY, headers=headers)
        assert response.status_code == 401, path
    assert await sender.stored() == []


async def test_invalid_signature_returns_401(sender: WebhookSender) -> None:
    """The path and the response of seed 004's checklist."""
    response = await sender.client.post("/api/webhooks/cal", content=BODY)
    assert (response.status_code, response.json()) == (401, {"error": "Invalid signature"})


async def test_the_legacy_header_is_accepted_on_the_legacy_path_only(sender: WebhookSender) -> None:
    headers = {"x-cal-signature": VALID_SIGNATURE}
    assert (await sender.client.post("/api/webhooks/cal", content=BODY, headers=headers)).json() == {"success": True}
    assert (await sender.client.post("/webhooks/calcom", content=BODY, headers=headers)).status_code == 401


async def test_during_a_rotation_both_secrets_pass(sender: WebhookSender) -> None:
    assert (await sender.send(BODY, secret=SECRET)).status_code == 200
    assert (await sender.send(BODY + b" ", secret=OLD_SECRET)).status_code == 200


async def test_a_secret_past_its_rotation_no_longer_passes(sender: WebhookSender) -> None:
    assert (await sender.send(BODY, secret="expired", path="/webhooks/calcom/other")).status_code == 401


async def test_without_a_secret_the_response_names_the_setting(sender: WebhookSender) -> None:
    response = await sender.send(BODY, path="/webhooks/calcom/bare", secret="anything")
    assert response.status_code == 503
    assert "CALCOM_WEBHOOK_SECRET" in response.json()["detail"]
    assert await sender.stored() == []


async def test_s12_an_unknown_account_is_answered_like_a_wrong_signature(sender: WebhookSender) -> None:
    """Strangers must not learn which accounts exist; the operator finds the unknown name in the log."""
    with capture_logs() as logs:
        unknown = await sender.send(BODY, path=f"/webhooks/calcom/nobody-{'x' * 500}", secret=SECRET)
    known = await sender.send(BODY, path="/webhooks/calcom/other", secret=SECRET)
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert unknown.status_code == 401
    assert "showup accounts list" in unknown.json()["detail"]
    (line,) = [one for one in logs if one["event"] == "webhook for an unknown account"]
    assert (line["account"][:8], len(line["account"]), line["source_address"]) == ("nobody-x", 63, "127.0.0.1")
    assert await sender.stored() == []


def test_s12_bad_signatures_write_a_bounded_log() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    counter = BadSignatureCounter()
    with capture_logs() as logs:
        for number in range(20_000):
            counter.record(("default", "other")[number % 2], "203.0.113.7", now)
            counter.record_unknown(f"name-{number}" * 100, "203.0.113.7", now)
    alerts = [one for one in logs if one["log_level"] == "error"]
    assert (len(alerts), len(logs)) == (2, 2 + 2 * LINES_PER_MINUTE)
    assert sum(len(str(one)) for one in logs) < 10_000
