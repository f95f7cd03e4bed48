"""The fake vendors behave as documented: with repeatable random faults, and as separate processes."""

import asyncio
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx2
import pytest

from showup.destinations import vendor_api
from showup.destinations.contract import Delivered, Outcome
from showup.destinations.email.client import Resend
from tests.destinations.email.sample_mail import MAIL, now
from tests.destinations.fake_vendors.resend import FakeResend
from tests.vendors.faults import Faults

STORM = "429=0.1,500=0.1,503=0.05,reset=0.1,lost=0.1,html=0.05"


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Starts Resend in another process; returns its URL."""
    command = [sys.executable, "-m", "tests.destinations.fake_vendors", "resend", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"running at (\S+)\n", process.stdout.readline())
        assert found
        yield found[1]
        process.terminate()


async def persistent(resend: Resend, delivery_id: UUID) -> Outcome:
    """Retries at once and without limit: nothing here waits."""
    while not isinstance(outcome := await resend.send(delivery_id, MAIL), Delivered):
        pass
    return outcome


async def test_through_a_storm_every_mail_is_sent_once(client: httpx2.AsyncClient) -> None:
    with FakeResend(faults=Faults.parse(STORM, seed=4)) as fake:
        resend = Resend(client, url=fake.url, key=fake.key, clock=now)
        ids = [uuid4() for _ in range(60)]
        await asyncio.gather(*(persistent(resend, one) for one in ids))
    assert Counter(one.key for one in fake.sent) == Counter(str(one) for one in ids)
    assert fake.answers["lost"] == len(fake.absorbed) > 0


def test_chance_is_the_same_for_the_same_seed() -> None:
    one, same, other = (Faults.parse(STORM, seed=seed) for seed in (1, 1, 2))
    drawn = [one.draw() for _ in range(200)]
    assert drawn == [same.draw() for _ in range(200)] != [other.draw() for _ in range(200)]
    assert set(drawn) == {None, "429", "500", "503", "reset", "lost", "html"}


async def test_as_a_process_it_reports_accepted_mail_and_fails_on_request() -> None:
    with running("--key", "re_other") as url:
        async with vendor_api.client("1.2.3") as client:
            resend = Resend(client, url=url, key="re_other", clock=now)
            first = await resend.send(uuid4(), MAIL)
            await client.put(f"{url}/state", json={"faults": "503=1"})
            second = await resend.send(uuid4(), MAIL)
            report = (await client.get(f"{url}/state")).json()
    assert isinstance(first, Delivered)
    assert not isinstance(second, Delivered)
    assert [one["id"] for one in report["sent"]] == [first.reference]
    assert report["sent"][0]["asked"]["subject"] == MAIL.subject
    assert (report["answers"], report["violations"], report["absorbed"]) == ({"200": 1, "503": 1}, [], [])


@pytest.mark.parametrize(
    ("request_body", "complaint"),
    [
        ({"from": "a@acme.example", "to": "b@c.example", "html": "x"}, "'subject' is a required property"),
        (
            {"from": "a@acme.example", "to": ["b@c.example"] * 51, "subject": "s", "html": "x"},
            "any of the given schemas",
        ),
        ({"from": "a@acme.example", "to": "b@c.example", "subject": "s", "html": "x", "replyTo": "a@b.c"}, "replyTo"),
        ({"from": "a@acme.example", "to": "b@c.example", "subject": "s"}, "`html` or `text`"),
        (
            {
                "from": "a@acme.example",
                "to": "b@c.example",
                "subject": "s",
                "html": "x",
                "tags": [{"name": "a", "value": "b c"}],
            },
            "ASCII",
        ),
    ],
)
def test_a_request_that_the_document_forbids_is_a_violation(request_body: dict[str, object], complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)), FakeResend() as fake:
        response = httpx2.post(f"{fake.url}/emails", json=request_body, headers={"Authorization": f"Bearer {fake.key}"})
    assert response.status_code == 422
    assert complaint in response.json()["message"]
    assert fake.sent == []
