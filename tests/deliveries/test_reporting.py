"""The log says when a destination fails, is left in peace and is back, and what was given up, by its id (RU6)."""

from datetime import timedelta
from typing import Any

import structlog
from structlog.testing import capture_logs

from showup.destinations.contract import GaveUp, TryAgain
from tests.deliveries.post import Post
from tests.stories.webhooks import body, payload

ANN = "ann@acme.example"


async def logged(post: Post, minutes: int) -> list[dict[str, Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        for _ in range(minutes):
            await post.tell(minutes=1)
    return [dict(line) for line in lines]


async def test_an_outage_is_a_few_lines(post: Post) -> None:
    start = post.now + timedelta(days=2)
    await post.hear(body("BOOKING_CREATED", post.now, payload("one", 1, start, [ANN])))
    post.far.down = TryAgain(because="nobody answers", fault="destination")
    lines = await logged(post, 30)
    said = [line["event"] for line in lines]
    assert said[0] == "a destination fails"
    assert set(said[1:]) == {"a destination is left in peace"}
    assert len(said) < 12
    assert {line["log_level"] for line in lines} == {"warning"}

    post.far.down = None
    assert [line["event"] for line in await logged(post, 10)] == ["a destination takes what it is told again"]


async def test_what_was_given_up_is_told_by_its_id(post: Post) -> None:
    start = post.now + timedelta(days=2)
    await post.hear(body("BOOKING_CREATED", post.now, payload("one", 1, start, [ANN])))
    post.far.script.append(GaveUp(because=f"550 no such user: {ANN}"))
    (line,) = await logged(post, 1)
    assert line["delivery"] == str((await post.one("confirm"))["id"])
    assert ANN not in str(line)
