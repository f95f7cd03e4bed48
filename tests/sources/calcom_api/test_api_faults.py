"""Failures of Cal.com's API: which calls are retried, for how long, and the final error (IN8; seed 002)."""

from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_transport import MAX_WAIT, ApiRequest, ApiTransport
from showup.sources.calcom.api_values import BookingsQuery, CalcomUser
from showup.sources.calcom.client import CalcomClient
from tests.sources.calcom_api.bookings import BOOKING, LAST
from tests.sources.calcom_api.scripted_calcom import (
    KEY,
    NOW,
    FakeTime,
    ScriptedCalcom,
    error_response,
    success_response,
)
from tests.vendors.faults import Fault, VendorResponse

ME = success_response({"id": 7})

PASSING = [
    pytest.param(error_response(500), id="500"),
    pytest.param(error_response(503), id="503"),
    pytest.param(error_response(408), id="408"),
    pytest.param("reset", id="disconnected"),
    pytest.param("html", id="a web page"),
    pytest.param("garbled", id="garbled"),
    pytest.param(VendorResponse(200, b"[" * 100_000), id="nested too deeply"),
    pytest.param(VendorResponse(200, b'{"status":"error"}'), id="an error that calls itself a success"),
]
LASTING = [
    pytest.param(400, "rejected the request for /me: No", id="400"),
    pytest.param(401, "Create another API key", id="401"),
    pytest.param(403, "key of a user who has it", id="403"),
    pytest.param(404, "check CALCOM_API_URL", id="404"),
    pytest.param(410, "must end in /v2", id="410"),
    pytest.param(302, "redirected the request", id="302"),
    pytest.param(422, "rejected the request for /me: No", id="422"),
]


async def test_error_scenario_1_calcom_api_down(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    """Seed 002: "Error Scenario 1: Cal.com API Down", the client's half: exponential backoff, then an error."""
    fake_calcom.script(*[error_response(503, "Service Unavailable")] * 4)
    with pytest.raises(CalcomUnavailable, match="is unavailable: Service Unavailable"):
        await calcom.bookings(BookingsQuery())
    assert time.paused == [1.0, 2.0, 4.0]

    fake_calcom.script(success_response([BOOKING], pagination=LAST))
    assert len((await calcom.bookings(BookingsQuery())).items) == 1


async def test_a_refused_connection_is_unavailable(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    fake_calcom.stop()
    with pytest.raises(CalcomUnavailable, match="can't be reached") as unavailable:
        await calcom.me()
    assert time.paused == [1.0, 2.0, 4.0]
    assert unavailable.value.not_before is None


@pytest.mark.parametrize("fault", PASSING)
async def test_a_transient_fault_is_retried(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime, fault: Fault
) -> None:
    fake_calcom.script(fault, fault, fault, ME)
    assert await calcom.me() == CalcomUser(id=7)
    assert time.paused == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_call_is_attempted_four_times(calcom: CalcomClient, fake_calcom: ScriptedCalcom, fault: Fault) -> None:
    fake_calcom.script(*[fault] * 4)
    with pytest.raises(CalcomUnavailable) as unavailable:
        await calcom.me()
    assert len(fake_calcom.requests) == 4
    assert unavailable.value.because == str(unavailable.value)
    assert unavailable.value.because.isprintable()


@pytest.mark.parametrize(("status", "advice"), LASTING)
async def test_api_error_handling(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime, status: int, advice: str
) -> None:
    """Seed 002: "API error handling". A refused call is not retried, and the error says what to do."""
    fake_calcom.script(error_response(status))
    with pytest.raises(CalcomRefused, match=advice) as error:
        await calcom.me()
    assert error.value.status == status
    assert time.paused == []


async def test_jitter_spreads_the_attempts(
    client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    """After an outage, clients do not all return in the same second."""
    jitters = iter([1.0, 0.5, 0.0])
    calcom = CalcomClient(
        client, url=fake_calcom.url, key=KEY, clock=time.clock, jitter=lambda: next(jitters), pause=time.pause
    )
    fake_calcom.script(*[error_response(500)] * 3, ME)
    await calcom.me()
    assert time.paused == [0.5, 1.5, 4.0]


LIMITS = [
    pytest.param({"Retry-After": "7"}, 7.0, id="Retry-After"),
    pytest.param({"Retry-After": "0"}, 1.0, id="Retry-After: 0 is not taken literally"),
    pytest.param({"X-RateLimit-Remaining-Default": "0", "X-RateLimit-Reset-Default": "42"}, 42.0, id="its reset"),
    pytest.param(
        {
            "X-RateLimit-Remaining-A": "0",
            "X-RateLimit-Reset-A": "5",
            "X-RateLimit-Remaining-B": "0",
            "X-RateLimit-Reset-B": "9",
        },
        9.0,
        id="the later of two",
    ),
    pytest.param({}, 60.0, id="without a header: the block lasts a minute"),
]


@pytest.mark.parametrize(("headers", "wait"), LIMITS)
async def test_a_limit_is_waited_out(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime, headers: dict[str, str], wait: float
) -> None:
    fake_calcom.script(error_response(429, "ThrottlerException: Too Many Requests", headers), ME)
    await calcom.me()
    assert time.now == NOW + timedelta(seconds=wait)


async def test_a_long_rate_limit_is_reported_instead_of_waited_out(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    fake_calcom.script(error_response(429, "Too Many Requests", {"Retry-After": "3600"}))
    with pytest.raises(CalcomUnavailable, match="rate limit reached: Too Many Requests") as unavailable:
        await calcom.me()
    assert unavailable.value.not_before == NOW + timedelta(hours=1)
    assert time.paused == []
    assert timedelta(minutes=1) < MAX_WAIT < timedelta(hours=1)  # waits until Cal.com's own block ends


async def test_the_last_429_says_when_to_retry(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    fake_calcom.script(*[error_response(429, headers={"Retry-After": "10"})] * 4)
    with pytest.raises(CalcomUnavailable) as unavailable:
        await calcom.me()
    assert unavailable.value.not_before == time.now + timedelta(seconds=10) == NOW + timedelta(seconds=40)


async def test_an_outage_may_set_retry_after(calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime) -> None:
    fake_calcom.script(error_response(503, headers={"Retry-After": "20"}), ME)
    await calcom.me()
    assert time.paused == [20.0]


async def test_a_lost_response_is_retried(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    """Repeating the call changes nothing."""
    fake_calcom.script("reset", success_response(BOOKING))
    await calcom.mark_absent("bookinguid1", host=True)
    assert [one.json for one in fake_calcom.requests] == [{"host": True}] * 2


async def test_error_messages_are_one_short_line_without_the_key(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom
) -> None:
    fake_calcom.script(VendorResponse(400, b'{"message": ["%s is\\nnot yours", "%s"]}' % (KEY.encode(), b"x" * 9000)))
    with pytest.raises(CalcomRefused, match="is not yours, xxx") as error:
        await calcom.me()
    assert KEY not in error.value.because
    assert error.value.because.isprintable()
    assert len(error.value.because) < 400


async def test_a_non_ascii_key_is_sent_as_it_is(
    client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    fake_calcom.script(error_response(401, "CustomThrottlerGuard - Invalid API Key"))
    with pytest.raises(CalcomRefused, match="CustomThrottlerGuard - Invalid API Key"):
        await CalcomClient(client, url=fake_calcom.url, key="ключ", clock=time.clock, pause=time.pause).me()


@pytest.mark.parametrize("key", ["cal_two\nlines", ""])
async def test_a_key_that_http_forbids_is_refused_locally(
    client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime, key: str
) -> None:
    with pytest.raises(CalcomRefused, match="its key or its URL") as error:
        await CalcomClient(client, url=fake_calcom.url, key=key, clock=time.clock, pause=time.pause).me()
    assert (error.value.status, time.paused, fake_calcom.requests) == (401, [], [])
    assert not key or key not in error.value.because


async def test_a_silent_server_times_out(fake_calcom: ScriptedCalcom, time: FakeTime) -> None:
    fake_calcom.script(*["hang"] * 4)
    # Only reading is short: a busy machine may take longer to connect.
    async with httpx2.AsyncClient(timeout=httpx2.Timeout(10, read=0.1)) as client:
        with pytest.raises(CalcomUnavailable, match="did not answer within"):
            await CalcomClient(client, url=fake_calcom.url, key=KEY, clock=time.clock, pause=time.pause).me()
    assert len(fake_calcom.requests) == 4


async def test_an_endless_response_times_out(
    client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    """The total time is limited, even if each part arrives quickly."""
    fake_calcom.script(*["hang"] * 4)
    calls = ApiTransport(client, url=fake_calcom.url, key=KEY, clock=time.clock, pause=time.pause)
    with pytest.raises(CalcomUnavailable, match="did not complete its response within"):
        await calls.send(ApiRequest(path="/me", timeout=timedelta(seconds=0.2)))
