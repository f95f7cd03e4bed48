"""Cal.com's API when it fails: what is tried again, for how long, and what is said in the end (IN8; seed 002)."""

from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_calls import Call, Calls
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_retry import LONGEST_WAIT
from showup.sources.calcom.api_values import BookingsAsked, Me
from tests.sources.calcom_api.bookings import BOOKING, LAST
from tests.sources.calcom_api.far import BROKEN, HANGS, KEY, NOW, PAGE, Answer, FarCalcom, Time, ok, refusal

ME = ok({"id": 7})
GARBLED = Answer(200, b"no gzip", {"Content-Encoding": "gzip"})

PASSING = [
    pytest.param(refusal(500), id="500"),
    pytest.param(refusal(503), id="503"),
    pytest.param(refusal(408), id="408"),
    pytest.param(BROKEN, id="broken off"),
    pytest.param(PAGE, id="a web page"),
    pytest.param(GARBLED, id="garbled"),
    pytest.param(Answer(200, b"[" * 100_000), id="nested too deeply"),
    pytest.param(Answer(200, b'{"status":"error"}'), id="an error that calls itself a success"),
]
LASTING = [
    pytest.param(400, "refuses this call: No.", id="400"),
    pytest.param(401, "Make another API key", id="401"),
    pytest.param(403, "key of somebody who may", id="403"),
    pytest.param(404, "look at CALCOM_API_URL", id="404"),
    pytest.param(410, "must end in /v2", id="410"),
    pytest.param(302, "sends us elsewhere", id="302"),
    pytest.param(422, "refuses this call: No.", id="422"),
]


async def test_error_scenario_1_calcom_api_down(calcom: Calcom, far: FarCalcom, time: Time) -> None:
    """Seed 002: "Error Scenario 1: Cal.com API Down", the client's half: exponential backoff, then it is away."""
    far.will_say(*[refusal(503, "Service Unavailable")] * 4)
    with pytest.raises(CalcomAway, match=r"out of order: Service Unavailable"):
        await calcom.bookings(BookingsAsked())
    assert time.paused == [1.0, 2.0, 4.0]

    far.will_say(ok([BOOKING], pagination=LAST))
    assert len((await calcom.bookings(BookingsAsked())).items) == 1


async def test_nobody_at_home(calcom: Calcom, far: FarCalcom, time: Time) -> None:
    far.down()
    with pytest.raises(CalcomAway, match="can't be reached") as away:
        await calcom.me()
    assert time.paused == [1.0, 2.0, 4.0]
    assert away.value.not_before is None


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_tried_again(calcom: Calcom, far: FarCalcom, time: Time, fault: Answer) -> None:
    far.will_say(fault, fault, fault, ME)
    assert await calcom.me() == Me(id=7)
    assert time.paused == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("fault", PASSING)
async def test_not_more_often_than_four_times(calcom: Calcom, far: FarCalcom, fault: Answer) -> None:
    far.will_say(*[fault] * 4)
    with pytest.raises(CalcomAway) as away:
        await calcom.me()
    assert len(far.asked) == 4
    assert away.value.because == str(away.value)
    assert away.value.because.isprintable()


@pytest.mark.parametrize(("status", "advice"), LASTING)
async def test_api_error_handling(calcom: Calcom, far: FarCalcom, time: Time, status: int, advice: str) -> None:
    """Seed 002: "API error handling". What they refuse is asked once, and somebody is told what to do."""
    far.will_say(refusal(status))
    with pytest.raises(CalcomRefuses, match=advice) as refused:
        await calcom.me()
    assert refused.value.status == status
    assert time.paused == []


async def test_chance_spreads_the_tries(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> None:
    """After an outage, not everybody comes back in the same second."""
    chances = iter([1.0, 0.5, 0.0])
    calcom = Calcom(client, url=far.url, key=KEY, clock=time.clock, chance=lambda: next(chances), pause=time.pause)
    far.will_say(*[refusal(500)] * 3, ME)
    await calcom.me()
    assert time.paused == [0.5, 1.5, 4.0]


LIMITS = [
    pytest.param({"Retry-After": "7"}, 7.0, id="Retry-After"),
    pytest.param({"Retry-After": "0"}, 1.0, id="Retry-After: 0 is no reason to hammer"),
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
    pytest.param({}, 60.0, id="not said: their block is a minute"),
]


@pytest.mark.parametrize(("headers", "wait"), LIMITS)
async def test_a_limit_is_waited_out(
    calcom: Calcom, far: FarCalcom, time: Time, headers: dict[str, str], wait: float
) -> None:
    far.will_say(refusal(429, "ThrottlerException: Too Many Requests", headers), ME)
    await calcom.me()
    assert time.now == NOW + timedelta(seconds=wait)


async def test_a_limit_that_lasts_is_told_rather_than_waited_out(calcom: Calcom, far: FarCalcom, time: Time) -> None:
    far.will_say(refusal(429, "Too Many Requests", {"Retry-After": "3600"}))
    with pytest.raises(CalcomAway, match="takes no more calls for now: Too Many Requests") as away:
        await calcom.me()
    assert away.value.not_before == NOW + timedelta(hours=1)
    assert time.paused == []
    assert timedelta(minutes=1) < LONGEST_WAIT < timedelta(hours=1)  # their own block is waited out


async def test_the_last_refusal_of_all_says_when_to_come_again(calcom: Calcom, far: FarCalcom, time: Time) -> None:
    far.will_say(*[refusal(429, headers={"Retry-After": "10"})] * 4)
    with pytest.raises(CalcomAway) as away:
        await calcom.me()
    assert away.value.not_before == time.now + timedelta(seconds=10) == NOW + timedelta(seconds=40)


async def test_an_outage_may_say_for_how_long(calcom: Calcom, far: FarCalcom, time: Time) -> None:
    far.will_say(refusal(503, headers={"Retry-After": "20"}), ME)
    await calcom.me()
    assert time.paused == [20.0]


async def test_what_was_done_and_not_answered_is_done_again(calcom: Calcom, far: FarCalcom) -> None:
    """A repeat of it changes nothing."""
    far.will_say(BROKEN, ok(BOOKING))
    await calcom.mark_absent("bookinguid1", host=True)
    assert [one.body for one in far.asked] == [{"host": True}] * 2


async def test_their_words_are_one_short_line_without_our_key(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(Answer(400, b'{"message": ["%s is\\nnot yours", "%s"]}' % (KEY.encode(), b"x" * 9000)))
    with pytest.raises(CalcomRefuses, match="is not yours, xxx") as refused:
        await calcom.me()
    assert KEY not in refused.value.because
    assert refused.value.because.isprintable()
    assert len(refused.value.because) < 400


async def test_a_strange_key_is_for_cal_com_to_refuse(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> None:
    far.will_say(refusal(401, "CustomThrottlerGuard - Invalid API Key"))
    with pytest.raises(CalcomRefuses, match="CustomThrottlerGuard - Invalid API Key"):
        await Calcom(client, url=far.url, key="ключ", clock=time.clock, pause=time.pause).me()


@pytest.mark.parametrize("key", ["cal_two\nlines", ""])
async def test_a_key_that_http_forbids_is_refused_before_anybody_is_asked(
    client: httpx2.AsyncClient, far: FarCalcom, time: Time, key: str
) -> None:
    with pytest.raises(CalcomRefuses, match="its key or its address") as refused:
        await Calcom(client, url=far.url, key=key, clock=time.clock, pause=time.pause).me()
    assert (refused.value.status, time.paused, far.asked) == (401, [], [])
    assert not key or key not in refused.value.because


async def test_silence(far: FarCalcom, time: Time) -> None:
    far.will_say(*[HANGS] * 4)
    async with httpx2.AsyncClient(timeout=0.1) as client:
        with pytest.raises(CalcomAway, match="did not answer within"):
            await Calcom(client, url=far.url, key=KEY, clock=time.clock, pause=time.pause).me()
    assert len(far.asked) == 4


async def test_an_answer_that_never_ends_is_not_listened_to_for_ever(
    client: httpx2.AsyncClient, far: FarCalcom, time: Time
) -> None:
    """Each of its steps may be quick enough."""
    far.will_say(*[HANGS] * 4)
    calls = Calls(client, url=far.url, key=KEY, clock=time.clock, pause=time.pause)
    with pytest.raises(CalcomAway, match="not whole within"):
        await calls.ask(Call(path="/me", within=timedelta(seconds=0.2)))
