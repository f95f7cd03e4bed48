"""TE4: reminders around a change of clocks, in twenty zones: due to the second, and with the local time in the mail.

Each zone has a meeting on every day of the week in which its clocks change, at a time of day that the change makes
special: an hour that exists twice, one that does not exist, the last minute before midnight.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct

from showup.destinations.contract import Content, Notification
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.templates import Templates
from showup.destinations.email.texts import AgendaItem, EventTypeTexts, TeamTexts
from showup.pipeline.rules import Rules
from showup.settings import Settings
from tests.deliveries.scenario import DeliveryScenario, FakeDestination
from tests.histories.webhooks import attendee, body, payload

# Northern and southern summers, half hours, a change of half an hour only, one at midnight, and some without any.
ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Chisinau", "America/New_York", "America/Los_Angeles"),
    *("America/St_Johns", "America/Santiago", "America/Havana", "America/Sao_Paulo", "Australia/Sydney"),
    *("Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham", "Asia/Kathmandu"),
    *("Asia/Kolkata", "Africa/Casablanca", "Asia/Beirut", "Antarctica/Troll"),
)
YEAR = 2027
TIMES = (time(1, 30), time(2, 30), time(23, 59), time(0, 30), time(9, 0), time(2, 0), time(3, 0))
HOUR = timedelta(hours=1)


class ZonedMeeting(Struct, frozen=True):
    """A meeting in an attendee's zone."""

    uid: str
    email: str
    zone: str
    start: datetime


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Returns the hours of the year before the zone's offset changes; a fixed day if it never changes."""
    hour = datetime(YEAR, 1, 2, tzinfo=UTC)
    found = False
    while hour.year == YEAR:
        if (hour - HOUR).astimezone(zone).utcoffset() != hour.astimezone(zone).utcoffset():
            found = True
            yield hour
        hour += HOUR
    if not found:
        yield datetime(YEAR, 3, 28, 1, tzinfo=UTC)


def week(name: str, change: datetime) -> Iterator[ZonedMeeting]:
    zone = ZoneInfo(name)
    for number, moment in enumerate(TIMES):
        day = change.astimezone(zone).date() + timedelta(days=number - 3)
        start = datetime.combine(day, moment, zone).astimezone(UTC)
        place = name.replace("/", "-").replace("_", "-").lower()
        yield ZonedMeeting(f"{place}-{number}", f"p{number}@{place}.example", name, start)


class FakeMailDestination(FakeDestination):
    """A destination that records the text of real mails."""

    def __init__(self) -> None:
        super().__init__()
        senders = [SenderRule(address="team@outbound.example")]
        # Without an agenda, a reminder three days ahead has nothing to say.
        agenda = EventTypeTexts(agenda=(AgendaItem(text="Your questions"),))
        texts = TeamTexts(event_types={"intro": agenda})
        self._renderer = TemplateMailRenderer(
            templates=Templates(), senders=senders, clock=lambda: datetime.now(UTC), texts=texts
        )

    def render(self, notification: Notification) -> Content:
        mail = self._renderer.render(notification)
        return {"kind": notification.kind, "to": notification.meeting.guest.email, "text": mail.text}


@pytest.mark.parametrize("testing", [False, True], ids=["days", "minutes"])
def test_testing_mode_reminds_minutes_before(testing: bool) -> None:
    offsets = Settings(TESTING_MODE=testing, _env_file=None).rules.remind_before  # type: ignore[call-arg]  # aliases
    hours = [timedelta(hours=72), timedelta(hours=24), timedelta(hours=2)]
    minutes = [timedelta(minutes=6), timedelta(minutes=3), timedelta(minutes=1)]
    assert list(offsets) == (minutes if testing else hours)


async def test_a_week_of_meetings_around_a_change_of_clocks(scenario: DeliveryScenario) -> None:
    """Every second zone uses the year's first change, and the others use its last."""
    scenario.fake_destination = FakeMailDestination()
    await scenario.set_rules(Rules(ask_for_outcome=False))
    zones = [(name, list(changes(ZoneInfo(name)))[-(number % 2)]) for number, name in enumerate(ZONES)]
    meetings = [one for name, change in zones for one in week(name, change)]
    scenario.now = min(one.start for one in meetings) - timedelta(days=30)
    for number, one in enumerate(meetings):
        fields = payload(one.uid, number, one.start, [attendee(one.email, zone=one.zone)])
        await scenario.receive(body("BOOKING_CREATED", scenario.now, fields))
    await scenario.deliver_due()
    assert len(scenario.fake_destination.sent) == len(meetings), "every attendee has a confirmation"

    due: dict[datetime, set[str]] = defaultdict(set)
    for one in meetings:
        for before in Rules().remind_before:
            due[one.start - before].add(one.email)
    for moment in sorted(due):
        if moment - timedelta(seconds=1) not in due:
            assert await texts_sent_at(scenario, moment - timedelta(seconds=1)) == {}
        texts = await texts_sent_at(scenario, moment)
        assert set(texts) == due[moment]
        for one in meetings:
            if one.email in texts:
                assert all(shown in texts[one.email] for shown in local(one))
    assert {row["state"] for row in await scenario.rows()} == {"delivered"}


async def texts_sent_at(scenario: DeliveryScenario, moment: datetime) -> dict[str, str]:
    """Returns the texts sent at that time, by recipient."""
    before = len(scenario.fake_destination.sent)
    scenario.now = moment
    await scenario.deliver_due()
    return {content["to"]: content["text"] for _, content in scenario.fake_destination.sent[before:]}


def local(one: ZonedMeeting) -> tuple[str, str]:
    """Returns the weekday and the minutes of the start in local time, by the zone's own rules."""
    start = one.start.astimezone(ZoneInfo(one.zone))
    return f"{start:%A}", f"{start:%-H}:{start:%M}" if start.hour in range(1, 13) else f":{start:%M}"


async def test_minutes_before_a_meeting_in_testing_mode(scenario: DeliveryScenario) -> None:
    """The offsets are rules of the workspace: six, three and one minute before."""
    minutes = (timedelta(minutes=6), timedelta(minutes=3), timedelta(minutes=1))
    await scenario.set_rules(Rules(remind_before=minutes))
    start = scenario.now + timedelta(minutes=5)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload("one", 1, start, ["ann@acme.example"])))
    await scenario.deliver_due()
    for before in (timedelta(minutes=3), timedelta(minutes=1)):
        assert not await count_sent_at(scenario, start - before - timedelta(seconds=1))
        assert await count_sent_at(scenario, start - before) == 1
    assert scenario.fake_destination.kinds == ["confirmation", "reminder", "reminder"]


async def count_sent_at(scenario: DeliveryScenario, moment: datetime) -> int:
    before = len(scenario.fake_destination.sent)
    scenario.now = moment
    await scenario.deliver_due()
    return len(scenario.fake_destination.sent) - before
