"""TE7: Slack over real HTTP. One message a delivery, a question becomes its answer, refusals say what to do."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from showup.destinations.contract import Attempt, Delivered, GaveUp, Outcome, TryAgain
from showup.destinations.slack.connect import KIND
from tests.destinations.conformance.case import DELIVERY, NOW, plain_json
from tests.destinations.far.slack import CHANNEL, TOKEN, FarSlack, Refusal
from tests.destinations.slack.test_messages import news
from tests.destinations.wired import outfit


class Bot:
    """Slack as it is connected."""

    def __init__(self, client: httpx2.AsyncClient, far: FarSlack) -> None:
        self.client, self.far = client, far
        self.settings: dict[str, Any] = {"api_url": far.url, "channel": CHANNEL}
        self.credentials = {"bot_token": TOKEN}

    async def told(self, kind: str = "booking.created", *, number: int = 1, record: str | None = None) -> Outcome:
        built = KIND.build(KIND.read(self.settings), self.credentials, outfit(self.client, lambda: NOW))
        content = plain_json(built.render(news(kind)))
        return await built.send(Attempt(delivery_id=DELIVERY, content=content, number=number, record=record))

    async def examined(self) -> list[str]:
        return await KIND.examine(KIND.read(self.settings), self.credentials, outfit(self.client, lambda: NOW))


@pytest.fixture
def bot(client: httpx2.AsyncClient, far: FarSlack) -> Bot:
    return Bot(client, far)


async def test_a_message_is_posted_with_the_deliverys_id_in_it(bot: Bot) -> None:
    outcome = await bot.told()
    (message,) = bot.far.messages()
    assert outcome == Delivered(provider="slack", reference=message.ts, record=f"{CHANNEL}:{message.ts}")
    assert bot.far.effects == {str(DELIVERY): 1}
    assert message.text.startswith("New booking: Ann Acme")
    assert bot.far.calls == ["chat.postMessage"], "a first attempt looks for nothing"


async def test_what_was_posted_before_the_connection_broke_is_found_and_not_posted_again(bot: Bot) -> None:
    bot.far.faults.next("lost")
    assert isinstance(await bot.told(), TryAgain)
    for _ in range(150):
        bot.far._post({"channel": CHANNEL, "text": "others", "blocks": [], "metadata": None})
    outcome = await bot.told(number=2)
    assert isinstance(outcome, Delivered)
    assert outcome.record == f"{CHANNEL}:{bot.far.messages()[0].ts}"
    assert bot.far.effects == {str(DELIVERY): 1}


async def test_without_the_scope_to_look_it_is_posted_again_rather_than_never(bot: Bot) -> None:
    bot.far.scopes = ("chat:write",)
    assert isinstance(await bot.told(number=2), Delivered)
    assert bot.far.effects == {str(DELIVERY): 1}


async def test_while_slack_can_not_say_nothing_is_posted(bot: Bot) -> None:
    bot.far.faults.next("500")
    assert isinstance(await bot.told(number=2), TryAgain)
    assert bot.far.messages() == []


async def test_an_answer_takes_the_buttons_from_its_question(bot: Bot) -> None:
    asked = await bot.told("record.choose")
    assert isinstance(asked, Delivered)
    (message,) = bot.far.messages()
    assert "choose_record:0" in message.buttons
    for _ in range(2):
        assert isinstance(await bot.told("record.chosen", record=asked.record), Delivered)
    assert message.buttons == {}
    assert "<@U0ANN> decided: it is *Ann 1*." in message.words
    assert len(bot.far.messages()) == 1


async def test_an_answer_to_a_question_that_was_never_posted_changes_nothing(bot: Bot) -> None:
    assert await bot.told("record.chosen") == Delivered(provider="slack")
    assert bot.far.calls == []


async def test_an_answer_to_a_question_that_somebody_deleted_is_done(bot: Bot) -> None:
    assert await bot.told("record.chosen", record=f"{CHANNEL}:1.1") == Delivered(provider="slack")


@pytest.mark.parametrize(
    ("fault", "outcome", "whose", "says"),
    [
        ("401", TryAgain, "destination", "Put SLACK_BOT_TOKEN right"),
        ("revoked", TryAgain, "destination", "token_revoked. Put SLACK_BOT_TOKEN right"),
        ("403", TryAgain, "destination", "Give it chat:write"),
        ("404", GaveUp, "", f"there is no channel {CHANNEL} that the app sees"),
        ("archived", GaveUp, "", "is archived: name another one"),
        ("409", TryAgain, "destination", "Slack is out of order: fatal_error"),
        ("422", GaveUp, "", "Slack refuses this message: invalid_blocks"),
        ("429", TryAgain, "limit", "Slack takes no more for now"),
        ("500", TryAgain, "destination", "Slack is out of order"),
        ("503", TryAgain, "destination", "Slack is out of order"),
        ("reset", TryAgain, "destination", "broke the connection off"),
        ("html", TryAgain, "destination", "Look at SLACK_API_URL"),
    ],
)
async def test_each_refusal_is_what_it_is(
    bot: Bot, fault: str, outcome: type[TryAgain | GaveUp], whose: str, says: str
) -> None:
    bot.far.faults.next(fault)
    came = await bot.told()
    assert isinstance(came, outcome)
    assert says in came.because
    assert TOKEN not in came.because
    if isinstance(came, TryAgain):
        assert came.fault == whose
    assert bot.far.messages() == []


async def test_a_limit_says_when_it_ends(bot: Bot) -> None:
    bot.far.per_second = 1
    bot.far.clock = lambda: NOW
    assert isinstance(await bot.told(), Delivered)
    again = await bot.told()
    assert isinstance(again, TryAgain)
    assert (again.fault, again.not_before and (again.not_before - NOW).total_seconds()) == ("limit", 1)


async def test_a_channel_without_us_is_told_how_to_invite(bot: Bot) -> None:
    bot.far.channels[CHANNEL].is_member = False
    refused = await bot.told()
    assert isinstance(refused, GaveUp)
    assert "write `/invite`" in refused.because


async def test_kinds_of_news_have_channels_of_their_own(bot: Bot) -> None:
    bot.far.add("C0FAULTS")
    bot.settings["channels"] = {"delivery.failed": "C0FAULTS"}
    await bot.told("delivery.failed")
    await bot.told("booking.created")
    assert (len(bot.far.messages("C0FAULTS")), len(bot.far.messages())) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "channel"),
        ({"channel": "#sales"}, "'#sales' is no id of a channel"),
        ({"channel": CHANNEL, "chanels": {}}, "did you mean channels"),
        ({"channel": CHANNEL, "notices": ["booking.create"]}, "did you mean booking.created"),
        ({"channel": CHANNEL, "channels": {"booking.noshow": CHANNEL}}, "did you mean booking.no_show"),
        ({"channel": CHANNEL, "digest_at": "8 am"}, "a time of day such as 08:00"),
    ],
)
def test_settings_that_can_not_be_used_are_a_sentence(settings: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="slack") as refused:
        KIND.read(settings)
    assert says in str(refused.value)


def test_nobody_is_asked_where_no_press_could_be_verified() -> None:
    settings = KIND.read({"channel": CHANNEL})
    without = KIND.told(settings, {"bot_token": TOKEN})
    assert KIND.told(settings, {"bot_token": TOKEN, "signing_secret": "s"}) - without == {
        "record.choose",
        "record.chosen",
    }
    assert {"booking.created", "digest.daily", "delivery.failed"} <= without


async def test_an_examination_finds_what_is_not_there(bot: Bot) -> None:
    assert await bot.examined() == []
    bot.far.channels[CHANNEL].is_member = False
    bot.settings["channels"] = {"digest.daily": "C0GONE"}
    found = " ".join(await bot.examined())
    assert "write `/invite`" in found
    assert "there is no channel C0GONE" in found
    bot.far.scopes = ("channels:read",)
    assert "lacks the scope chat:write" in " ".join(await bot.examined())
    bot.credentials = {"bot_token": "xoxb-other"}
    assert await bot.examined() == ["Slack refuses us: invalid_auth. Put SLACK_BOT_TOKEN right"]


def test_its_own_limits_are_refusals_in_its_own_words() -> None:
    assert Refusal("x").said == {"ok": False, "error": "x"}
