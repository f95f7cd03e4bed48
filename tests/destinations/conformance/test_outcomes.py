"""TE1, TE5 to TE8, TE12: whatever a destination meets comes back as an outcome, and as the right one."""

import asyncio

import httpx2
import pytest

from showup.destinations.contract import Delivered, Outcome, TryAgain
from tests.destinations.conformance.case import because, said
from tests.destinations.conformance.listed import but, with_faults
from tests.destinations.conformance.stage import Stage
from tests.destinations.conformance.stranger import (
    CUT_SHORT,
    NOT_GZIP,
    PAGE,
    answers,
    breaks_off,
    hangs,
    nobody,
    quotes,
)


def is_a_sentence(outcome: Outcome, *secrets: str) -> bool:
    """One readable line that a person can act on, without any of the secrets."""
    words = because(outcome)
    assert not [one for one in secrets if one and one in words], words
    return 10 < len(words) < 700 and words.isprintable() and " " in words


@pytest.mark.parametrize("stage", but(), indirect=True)
async def test_success(stage: Stage) -> None:
    outcome = await stage.send()
    assert isinstance(outcome, Delivered), outcome
    assert outcome.provider
    assert stage.effects.total() >= 1


@pytest.mark.parametrize("stage", but(), indirect=True)
async def test_what_is_rendered_is_the_same_each_time_and_plain_json(stage: Stage) -> None:
    destination = stage.destination()
    once = stage.content(destination)
    assert once
    assert once == stage.content(destination)


@pytest.mark.parametrize(
    ("stage", "fault"),
    with_faults("401", "404", "409", "422", "429", "500", "503", "reset", "lost", "html"),
    indirect=["stage"],
)
async def test_a_fault_in_the_vendors_own_words(stage: Stage, fault: str) -> None:
    stage.meets(fault)
    outcome = await stage.send()
    assert said(outcome) == stage.case.meaning(fault), outcome
    assert is_a_sentence(outcome, *stage.case.secrets(stage.far))
    if fault != "lost":
        assert stage.effects.total() == 0


@pytest.mark.parametrize(
    ("stage", "fault"), with_faults("401", "409", "429", "500", "503", "reset", "html"), indirect=["stage"]
)
async def test_when_it_has_passed_the_same_delivery_passes(stage: Stage, fault: str) -> None:
    clean = await _effects_of_one(stage)
    stage.meets(fault)
    first = await stage.send()
    if isinstance(first, TryAgain):
        assert isinstance(await stage.insist(), Delivered)
        assert stage.effects.total() == clean


async def _effects_of_one(stage: Stage) -> int:
    """How many lasting effects this delivery has when nothing goes wrong."""
    with stage.case.start(stage.time) as far:
        other = Stage.beside(stage, far)
        assert isinstance(await other.send(), Delivered)
        return other.effects.total()


DIALECTS = [
    pytest.param({"Retry-After": "17"}, 17, id="seconds"),
    pytest.param({"Retry-After": "Mon, 07 Sep 2026 09:00:17 GMT"}, 17, id="date"),
    pytest.param({"X-RateLimit-Reset": "1788771617"}, 17, id="unix time"),
    pytest.param({"ratelimit-reset": "17"}, 17, id="ratelimit-reset"),
    pytest.param({"Retry-After": "3600"}, 3600, id="an hour"),
]


@pytest.mark.parametrize(("headers", "wait"), DIALECTS)
@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_a_limit_in_every_dialect(stage: Stage, headers: dict[str, str], wait: int) -> None:
    with answers(429, headers=headers) as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    assert isinstance(outcome, TryAgain), outcome
    assert outcome.fault == "limit"
    assert outcome.not_before is not None
    assert (outcome.not_before - stage.time.now).total_seconds() == pytest.approx(wait, abs=2)
    assert is_a_sentence(outcome)
    assert len(stranger.asked) == 1, "whoever takes no more is not asked again"


@pytest.mark.parametrize("stage", but("http", "limit without a word"), indirect=True)
async def test_a_limit_without_a_word(stage: Stage) -> None:
    with answers(429) as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    assert said(outcome) == "limit", outcome


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_a_proxy_that_answers_for_a_dead_machine(stage: Stage, status: int) -> None:
    with answers(status, PAGE, {"Content-Type": "text/html"}) as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    assert said(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


GARBAGE = [
    pytest.param(PAGE, {"Content-Type": "text/html"}, id="a web page"),
    pytest.param(PAGE, NOT_GZIP, id="no gzip at all"),
    pytest.param(CUT_SHORT, NOT_GZIP, id="gzip that is cut short"),
    pytest.param(b"", {}, id="nothing"),
    pytest.param(b"[]", {}, id="a list"),
    pytest.param(b'{"ok": "\xff\xfe', {}, id="bytes that are no text"),
    pytest.param(b'{"ok": "\xff\xfe"}', {}, id="a text that is none"),
    pytest.param(b"[" * 100_000, {}, id="brackets without end"),
    pytest.param(b'{"ok": 7, "id": {}, "results": 3, "tasks": 4, "sid": []}', {}, id="other types than promised"),
]


@pytest.mark.parametrize(("body", "headers"), GARBAGE)
@pytest.mark.parametrize("stage", but("http", "any 2xx"), indirect=True)
async def test_garbage(stage: Stage, body: bytes, headers: dict[str, str]) -> None:
    with answers(200, body, headers) as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    assert said(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_reset(stage: Stage) -> None:
    with breaks_off() as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    assert said(outcome) == "destination", outcome


@pytest.mark.parametrize("stage", but("http", "own patience"), indirect=True)
async def test_hang(stage: Stage) -> None:
    async with httpx2.AsyncClient(timeout=0.2) as impatient:
        with hangs() as stranger:
            outcome = await stage.send(stage.destination(stranger.url, impatient))
    assert said(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_a_call_that_hangs_can_be_ended_from_outside(stage: Stage) -> None:
    """As the courier does when its pace's timeout is over."""
    with hangs() as stranger:
        sending = asyncio.create_task(stage.send(stage.destination(stranger.url)))
        await asyncio.to_thread(stranger.heard.acquire)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_nobody_at_home(stage: Stage) -> None:
    outcome = await stage.send(stage.destination(nobody()))
    assert said(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500])
@pytest.mark.parametrize("stage", but("http"), indirect=True)
async def test_a_key_that_is_quoted_back_is_told_to_nobody(stage: Stage, status: int) -> None:
    with quotes(status) as stranger:
        outcome = await stage.send(stage.destination(stranger.url))
    if status != 200:
        assert is_a_sentence(outcome, *stage.case.secrets(stage.far), *stranger.asked)
