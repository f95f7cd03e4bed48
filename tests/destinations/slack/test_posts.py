"""TE7: Slack over real HTTP: one message per delivery, an answer replaces its question, and errors say what to do."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from showup.destinations.contract import Attempt, Delivered, GaveUp, Outcome, TryAgain
from showup.destinations.slack.health import KIND
from tests.destinations.conformance.case import DELIVERY, NOW, plain_json
from tests.destinations.connected_scenario import destination_context
from tests.destinations.fake_vendors.slack import CHANNEL, TOKEN, FakeSlack, SlackRefusal
from tests.destinations.slack.test_messages import slack_notification


class SlackBot:
    """A Slack connection."""

    def __init__(self, client: httpx2.AsyncClient, fake: FakeSlack) -> None:
        self.client, self.fake = client, fake
        self.settings: dict[str, Any] = {"api_url": fake.url, "channel": CHANNEL}
        self.credentials = {"bot_token": TOKEN}

    async def send(self, kind: str = "booking.created", *, number: int = 1, record: str | None = None) -> Outcome:
        destination = KIND.build(
            KIND.parse_settings(self.settings), self.credentials, destination_context(self.client, lambda: NOW)
        )
        content = plain_json(destination.render(slack_notification(kind)))
        return await destination.send(Attempt(delivery_id=DELIVERY, content=content, number=number, record=record))

    async def check_health(self) -> list[str]:
        return await KIND.check_health(
            KIND.parse_settings(self.settings), self.credentials, destination_context(self.client, lambda: NOW)
        )


@pytest.fixture
def bot(client: httpx2.AsyncClient, fake: FakeSlack) -> SlackBot:
    return SlackBot(client, fake)


async def test_a_message_is_posted_with_the_deliverys_id_in_it(bot: SlackBot) -> None:
    outcome = await bot.send()
    (message,) = bot.fake.messages()
    assert outcome == Delivered(provider="slack", reference=message.ts, record=f"{CHANNEL}:{message.ts}")
    assert bot.fake.effects == {str(DELIVERY): 1}
    assert message.text.startswith("New booking: Ann Acme")
    assert bot.fake.calls == ["POST /chat.postMessage"], "a first attempt searches for nothing"


async def test_what_was_posted_before_the_connection_broke_is_found_and_not_posted_again(bot: SlackBot) -> None:
    bot.fake.faults.queue("lost")
    assert isinstance(await bot.send(), TryAgain)
    for _ in range(150):
        bot.fake.add_message(CHANNEL, "others", [])
    outcome = await bot.send(number=2)
    assert isinstance(outcome, Delivered)
    assert outcome.record == f"{CHANNEL}:{bot.fake.messages()[0].ts}"
    assert bot.fake.effects == {str(DELIVERY): 1}


async def test_without_the_scope_to_look_it_is_posted_again_rather_than_never(bot: SlackBot) -> None:
    bot.fake.scopes = ("chat:write",)
    assert isinstance(await bot.send(number=2), Delivered)
    assert bot.fake.effects == {str(DELIVERY): 1}


async def test_while_slack_can_not_say_nothing_is_posted(bot: SlackBot) -> None:
    bot.fake.faults.queue("500")
    assert isinstance(await bot.send(number=2), TryAgain)
    assert bot.fake.messages() == []


async def test_an_answer_takes_the_buttons_from_its_question(bot: SlackBot) -> None:
    posted = await bot.send("record.choose")
    assert isinstance(posted, Delivered)
    (message,) = bot.fake.messages()
    assert "choose_record:0" in message.buttons
    for _ in range(2):
        assert isinstance(await bot.send("record.chosen", record=posted.record), Delivered)
    assert message.buttons == {}
    assert "<@U0ANN> chose *Ann 1*." in message.words
    assert len(bot.fake.messages()) == 1


async def test_an_answer_to_a_question_that_was_never_posted_changes_nothing(bot: SlackBot) -> None:
    assert await bot.send("record.chosen") == Delivered(provider="slack")
    assert bot.fake.calls == []


async def test_an_answer_to_a_deleted_question_is_delivered(bot: SlackBot) -> None:
    assert await bot.send("record.chosen", record=f"{CHANNEL}:1.1") == Delivered(provider="slack")


@pytest.mark.parametrize(
    ("fault", "outcome", "whose", "says"),
    [
        ("401", TryAgain, "destination", "Correct SLACK_BOT_TOKEN"),
        ("revoked", TryAgain, "destination", "token_revoked. Correct SLACK_BOT_TOKEN"),
        ("403", TryAgain, "destination", "Add chat:write"),
        ("404", GaveUp, "", f"the app can't see the channel {CHANNEL}"),
        ("archived", GaveUp, "", "is archived: set another channel"),
        ("409", TryAgain, "destination", "Slack is unavailable: fatal_error"),
        ("422", GaveUp, "", "Slack rejected this message: invalid_blocks"),
        ("429", TryAgain, "limit", "Slack rate limit reached"),
        ("500", TryAgain, "destination", "Slack is unavailable"),
        ("503", TryAgain, "destination", "Slack is unavailable"),
        ("reset", TryAgain, "destination", "closed the connection"),
        ("html", TryAgain, "destination", "Check SLACK_API_URL"),
    ],
)
async def test_each_error_response_has_its_outcome(
    bot: SlackBot, fault: str, outcome: type[TryAgain | GaveUp], whose: str, says: str
) -> None:
    bot.fake.faults.queue(fault)
    result = await bot.send()
    assert isinstance(result, outcome)
    assert says in result.because
    assert TOKEN not in result.because
    if isinstance(result, TryAgain):
        assert result.fault == whose
    assert bot.fake.messages() == []


async def test_a_limit_says_when_it_ends(bot: SlackBot) -> None:
    bot.fake.per_second = 1
    bot.fake.clock = lambda: NOW
    assert isinstance(await bot.send(), Delivered)
    again = await bot.send()
    assert isinstance(again, TryAgain)
    assert (again.fault, again.not_before and (again.not_before - NOW).total_seconds()) == ("limit", 1)


async def test_a_channel_without_the_app_explains_how_to_invite_it(bot: SlackBot) -> None:
    bot.fake.channels[CHANNEL].is_member = False
    refused = await bot.send()
    assert isinstance(refused, GaveUp)
    assert "use `/invite`" in refused.because


async def test_event_kinds_can_have_their_own_channels(bot: SlackBot) -> None:
    bot.fake.add("C0FAULTS")
    bot.settings["channels"] = {"delivery.failed": "C0FAULTS"}
    await bot.send("delivery.failed")
    await bot.send("booking.created")
    assert (len(bot.fake.messages("C0FAULTS")), len(bot.fake.messages())) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "channel"),
        ({"channel": "#sales"}, "'#sales' is not a channel id"),
        ({"channel": CHANNEL, "chanels": {}}, "did you mean channels"),
        ({"channel": CHANNEL, "notices": ["booking.create"]}, "did you mean booking.created"),
        ({"channel": CHANNEL, "channels": {"booking.noshow": CHANNEL}}, "did you mean booking.no_show"),
        ({"channel": CHANNEL, "digest_at": "8 am"}, "a time of day such as 08:00"),
    ],
)
def test_invalid_settings_have_an_error_sentence(settings: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="slack") as refused:
        KIND.parse_settings(settings)
    assert says in str(refused.value)


def test_no_question_is_asked_without_a_signing_secret() -> None:
    settings = KIND.parse_settings({"channel": CHANNEL})
    without = KIND.enabled_events(settings, {"bot_token": TOKEN})
    assert KIND.enabled_events(settings, {"bot_token": TOKEN, "signing_secret": "s"}) - without == {
        "record.choose",
        "record.chosen",
        "approval.asked",
        "approval.decided",
    }
    assert {"booking.created", "digest.daily", "delivery.failed"} <= without


async def test_a_health_check_finds_what_is_missing(bot: SlackBot) -> None:
    assert await bot.check_health() == []
    bot.fake.channels[CHANNEL].is_member = False
    bot.settings["channels"] = {"digest.daily": "C0GONE"}
    found = " ".join(await bot.check_health())
    assert "use `/invite`" in found
    assert "the app can't see the channel C0GONE" in found
    bot.fake.scopes = ("channels:read",)
    assert "lacks the scope chat:write" in " ".join(await bot.check_health())
    bot.credentials = {"bot_token": "xoxb-other"}
    assert await bot.check_health() == [
        "Slack rejected the token: invalid_auth. Correct SLACK_BOT_TOKEN, or the connection's bot_token"
    ]


def test_its_own_limits_are_refusals_in_its_own_words() -> None:
    assert SlackRefusal("x").response.body == {"ok": False, "error": "x"}


DIRECT = ("users:read.email", "im:write", "im:history")
HOST_LINK, FORM_LINK = "https://showup.example/o/secret?answer=", "https://showup.example/outcome/1?answer="


async def test_ap2_the_host_is_asked_in_a_direct_message_with_links_of_their_own(bot: SlackBot) -> None:
    bot.fake.scopes = (*bot.fake.scopes, *DIRECT)
    bot.fake.members["ben@outbound.example"] = "U0BEN"
    outcome = await bot.send("outcome")
    (message,) = bot.fake.messages("D0BEN")
    assert outcome == Delivered(provider="slack", reference=message.ts, record=f"D0BEN:{message.ts}")
    buttons = next(one["elements"] for one in message.blocks if one["type"] == "actions")
    answers = ("showed", "no_show", "rescheduled", "host_absent")
    assert [one["url"] for one in buttons] == [f"{HOST_LINK}{answer}" for answer in answers]
    assert bot.fake.messages() == [], "the channel sees no link that answers as the host"
    assert isinstance(await bot.send("outcome", number=2), Delivered), "a second attempt finds the message"
    assert bot.fake.effects == {str(DELIVERY): 1}


@pytest.mark.parametrize("scopes", [(), DIRECT], ids=["without the scopes", "without such a member"])
async def test_ap2_a_host_whom_slack_does_not_know_is_asked_in_the_channel(
    bot: SlackBot, scopes: tuple[str, ...]
) -> None:
    bot.fake.scopes = (*bot.fake.scopes, *scopes)
    assert isinstance(await bot.send("outcome"), Delivered)
    (message,) = bot.fake.messages()
    buttons = next(one["elements"] for one in message.blocks if one["type"] == "actions")
    assert buttons[0]["url"] == f"{FORM_LINK}showed"
    assert "secret" not in str(message.blocks)
    assert "Host" in message.words
