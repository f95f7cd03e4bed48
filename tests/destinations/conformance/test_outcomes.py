"""TE1, TE5 to TE8, TE12: every fault of a destination becomes an outcome, and the right one."""

import asyncio

import httpx2
import pytest

from showup.destinations.contract import Delivered, Outcome, TryAgain
from tests.destinations.conformance.case import because, outcome_text
from tests.destinations.conformance.cases import cases_without, with_faults
from tests.destinations.conformance.scripted_server import (
    CUT_SHORT,
    NOT_GZIP,
    ScriptedServer,
    quoting,
    responding,
    unreachable_url,
)
from tests.destinations.conformance.subject import DestinationUnderTest
from tests.vendors.http_server import PAGE


def is_a_sentence(outcome: Outcome, *secrets: str) -> bool:
    """Checks that the text is one readable line with an action for a person, and without secrets."""
    words = because(outcome)
    assert not [one for one in secrets if one and one in words], words
    return 10 < len(words) < 700 and words.isprintable() and " " in words


@pytest.mark.parametrize("subject", cases_without(), indirect=True)
async def test_success(subject: DestinationUnderTest) -> None:
    outcome = await subject.send()
    assert isinstance(outcome, Delivered), outcome
    assert outcome.provider
    assert subject.effects.total() >= 1


@pytest.mark.parametrize("subject", cases_without(), indirect=True)
async def test_what_is_rendered_is_the_same_each_time_and_plain_json(subject: DestinationUnderTest) -> None:
    destination = subject.destination()
    once = subject.content(destination)
    assert once
    assert once == subject.content(destination)


@pytest.mark.parametrize(
    ("subject", "fault"),
    with_faults("401", "404", "409", "422", "429", "500", "503", "reset", "lost", "html"),
    indirect=["subject"],
)
async def test_a_fault_in_the_vendors_own_words(subject: DestinationUnderTest, fault: str) -> None:
    subject.next_faults(fault)
    outcome = await subject.send()
    assert outcome_text(outcome) == subject.case.meaning(fault), outcome
    assert is_a_sentence(outcome, *subject.case.secrets(subject.fake))
    if fault != "lost":
        assert subject.effects.total() == 0


@pytest.mark.parametrize(
    ("subject", "fault"), with_faults("401", "409", "429", "500", "503", "reset", "html"), indirect=["subject"]
)
async def test_when_it_has_passed_the_same_delivery_passes(subject: DestinationUnderTest, fault: str) -> None:
    clean = await _messages_of_one(subject)
    subject.next_faults(fault)
    first = await subject.send()
    if isinstance(first, TryAgain):
        assert isinstance(await subject.send_until_finished(), Delivered)
        assert subject.effects.total() == clean


async def _messages_of_one(subject: DestinationUnderTest) -> int:
    """Returns how many lasting effects this delivery has without faults."""
    with subject.case.start(subject.time) as fake:
        other = DestinationUnderTest.with_fake(subject, fake)
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
@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_a_limit_in_every_dialect(subject: DestinationUnderTest, headers: dict[str, str], wait: int) -> None:
    with responding(429, headers=headers) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert isinstance(outcome, TryAgain), outcome
    assert outcome.fault == "limit"
    assert outcome.not_before is not None
    assert (outcome.not_before - subject.time.now).total_seconds() == pytest.approx(wait, abs=2)
    assert is_a_sentence(outcome)
    assert len(server.secrets) == 1, "a rate-limited vendor gets no further calls"


@pytest.mark.parametrize("subject", cases_without("http", "limit without a word"), indirect=True)
async def test_a_limit_without_a_word(subject: DestinationUnderTest) -> None:
    with responding(429) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert outcome_text(outcome) == "limit", outcome


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_a_proxy_that_answers_for_a_dead_machine(subject: DestinationUnderTest, status: int) -> None:
    with responding(status, PAGE, {"Content-Type": "text/html"}) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert outcome_text(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("status", [302, 402, 405, 407, 418, 431])
@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_a_status_that_no_vendor_documents_loses_no_delivery(subject: DestinationUnderTest, status: int) -> None:
    with responding(status, PAGE, {"Content-Type": "text/html"}) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert outcome_text(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("status", [408, 500, 503])
@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_an_outage_may_say_when_it_ends(subject: DestinationUnderTest, status: int) -> None:
    with responding(status, headers={"Retry-After": "17"}) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert isinstance(outcome, TryAgain), outcome
    assert outcome.fault == "destination"
    assert outcome.not_before is not None
    assert (outcome.not_before - subject.time.now).total_seconds() == pytest.approx(17, abs=2)


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
@pytest.mark.parametrize("subject", cases_without("http", "any 2xx"), indirect=True)
async def test_garbage(subject: DestinationUnderTest, body: bytes, headers: dict[str, str]) -> None:
    with responding(200, body, headers) as server:
        outcome = await subject.send(subject.destination(server.url))
    assert outcome_text(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_reset(subject: DestinationUnderTest) -> None:
    with ScriptedServer("reset") as server:
        outcome = await subject.send(subject.destination(server.url))
    assert outcome_text(outcome) == "destination", outcome


@pytest.mark.parametrize("subject", cases_without("http", "own patience"), indirect=True)
async def test_hang(subject: DestinationUnderTest) -> None:
    async with httpx2.AsyncClient(timeout=0.2) as impatient:
        with ScriptedServer("hang") as server:
            outcome = await subject.send(subject.destination(server.url, impatient))
    assert outcome_text(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_a_hanging_call_can_be_cancelled(subject: DestinationUnderTest) -> None:
    """As the dispatcher does after the timeout of the destination's pace."""
    with ScriptedServer("hang") as server:
        sending = asyncio.create_task(subject.send(subject.destination(server.url)))
        await asyncio.to_thread(server.arrived.acquire)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_unreachable(subject: DestinationUnderTest) -> None:
    outcome = await subject.send(subject.destination(unreachable_url()))
    assert outcome_text(outcome) == "destination", outcome
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500])
@pytest.mark.parametrize("subject", cases_without("http"), indirect=True)
async def test_a_key_that_is_echoed_back_is_redacted(subject: DestinationUnderTest, status: int) -> None:
    with quoting(status) as server:
        outcome = await subject.send(subject.destination(server.url))
    if status != 200 and str(status) not in subject.case.exceptions:
        assert is_a_sentence(outcome, *subject.case.secrets(subject.fake), *server.secrets)
