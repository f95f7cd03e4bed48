"""scripts/scenarios.sh: five signed scenarios, with the expected and the actual response (IN1, IN2)."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.simulation.fake_showup import SECRET, FakeShowup
from tests.vendors.faults import VendorResponse

SCRIPT = Path(__file__).parents[2] / "scripts" / "scenarios.sh"
ACCEPTED, IGNORED = VendorResponse(202, {"status": "accepted"}), VendorResponse(200, {"status": "ignored"})
AS_EXPECTED = [ACCEPTED, IGNORED, VendorResponse(400, {"detail": "no attendees"}), ACCEPTED, ACCEPTED]


async def run(*numbers: str, url: str = "", secret: str = SECRET) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *numbers,
        env={"PATH": os.environ["PATH"], "SHOWUP_URL": url, "CALCOM_WEBHOOK_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_all_five_are_signed_and_answered_as_expected(fake_showup: FakeShowup) -> None:
    fake_showup.faults.queue(*AS_EXPECTED)
    code, out, _ = await run(url=fake_showup.url)
    assert (code, out.count("  ok\n"), fake_showup.rejected) == (0, 5, 0)
    assert fake_showup.paths == {"/webhook/calcom-booking"}
    bodies = [json.loads(body) for body in fake_showup.bodies]
    assert [body["triggerEvent"] for body in bodies] == [
        "BOOKING_CREATED", "BOOKING_CANCELLED", "BOOKING_CREATED", "BOOKING_CREATED", "BOOKING_CREATED"
    ]  # fmt: skip
    payloads = [body["payload"] for body in bodies]
    assert (payloads[0]["uid"], payloads[0]["bookingId"]) == (payloads[1]["uid"], payloads[1]["bookingId"])
    assert payloads[2]["attendees"] == []
    soon = datetime.fromisoformat(payloads[3]["startTime"]) - datetime.now(UTC)
    assert soon < timedelta(hours=2)
    assert payloads[4]["attendees"][0]["email"] == "customer@scenarios.example"
    assert {payload["metadata"]["showup"] for payload in payloads} == {"simulated"}


async def test_an_unexpected_response_is_reported(fake_showup: FakeShowup) -> None:
    fake_showup.faults.queue(IGNORED, IGNORED)
    code, out, _ = await run("1", "2", url=fake_showup.url)
    assert code == 1
    assert 'got       200 {"status": "ignored"}\n  DIFFERENT' in out
    assert out.count("  ok\n") == 1


async def test_a_wrong_secret_is_reported(fake_showup: FakeShowup) -> None:
    code, out, _ = await run("1", url=fake_showup.url, secret="another")
    assert (code, fake_showup.rejected) == (1, 1)
    assert "got       401" in out


async def test_without_a_secret_the_error_names_the_setting() -> None:
    code, out, err = await run(secret="")
    assert (code, out) == (2, "")
    assert "CALCOM_WEBHOOK_SECRET is not set" in err


async def test_an_unknown_scenario_is_refused() -> None:
    code, _, err = await run("9")
    assert (code, "1 to 5" in err) == (2, True)
