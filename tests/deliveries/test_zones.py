"""Reminders through a change of clocks, in twenty zones: due to the second, and with the local time in the mail (TE4).

Each zone has a meeting on every day of the week in which its clocks change, at a time of day that the change makes
odd: an hour that comes twice, one that does not exist, the last minute before midnight.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct

from showup.adopting import rules_of
from showup.destinations.contract import Content, Notice
from showup.destinations.email.render import Renderer
from showup.destinations.email.senders import Sender
from showup.destinations.email.templates import Templates
from showup.pipeline.rules import Rules
from showup.settings import Settings
from tests.deliveries.post import Far, Post
from tests.stories.webhooks import attendee, body, payload

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


class Booked(Struct, frozen=True):
    """A meeting in somebody's zone."""

    uid: str
    email: str
    zone: str
    start: datetime


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """The first hours of the year after which the zone's offset is another; a fixed day where there is none."""
    hour = datetime(YEAR, 1, 2, tzinfo=UTC)
    found = False
    while hour.year == YEAR:
        if (hour - HOUR).astimezone(zone).utcoffset() != hour.astimezone(zone).utcoffset():
            found = True
            yield hour
        hour += HOUR
    if not found:
        yield datetime(YEAR, 3, 28, 1, tzinfo=UTC)


def week(name: str, change: datetime) -> Iterator[Booked]:
    zone = ZoneInfo(name)
    for number, moment in enumerate(TIMES):
        day = change.astimezone(zone).date() + timedelta(days=number - 3)
        start = datetime.combine(day, moment, zone).astimezone(UTC)
        place = name.replace("/", "-").replace("_", "-").lower()
        yield Booked(f"{place}-{number}", f"p{number}@{place}.example", name, start)


class Mailed(Far):
    """A far side that gets the text of real mails."""

    def __init__(self) -> None:
        super().__init__()
        senders = [Sender(address="team@outbound.example")]
        self._renderer = Renderer(templates=Templates(), senders=senders, clock=lambda: datetime.now(UTC))

    def render(self, notice: Notice) -> Content:
        mail = self._renderer.render(notice)
        return {"kind": notice.kind, "to": notice.meeting.guest.email, "text": mail.text}


@pytest.mark.parametrize("testing", [False, True], ids=["days", "minutes"])
def test_testing_mode_reminds_minutes_before(testing: bool) -> None:
    offsets = rules_of(Settings(TESTING_MODE=testing, _env_file=None)).remind_before  # type: ignore[call-arg]  # aliases
    hours = [timedelta(hours=72), timedelta(hours=24), timedelta(hours=2)]
    minutes = [timedelta(minutes=6), timedelta(minutes=3), timedelta(minutes=1)]
    assert list(offsets) == (minutes if testing else hours)


async def test_a_week_of_meetings_around_a_change_of_clocks(post: Post) -> None:
    """In every other zone it is the year's first change, in the others its last."""
    post.far = Mailed()
    zones = [(name, list(changes(ZoneInfo(name)))[-(number % 2)]) for number, name in enumerate(ZONES)]
    meetings = [one for name, change in zones for one in week(name, change)]
    post.now = min(one.start for one in meetings) - timedelta(days=30)
    for number, one in enumerate(meetings):
        seen = payload(one.uid, number, one.start, [one.email], attendees=[attendee(one.email, timeZone=one.zone)])
        await post.hear(body("BOOKING_CREATED", post.now, seen))
    await post.tell()
    assert len(post.far.heard) == len(meetings), "everybody has their confirmation"

    due: dict[datetime, set[str]] = defaultdict(set)
    for one in meetings:
        for before in Rules().remind_before:
            due[one.start - before].add(one.email)
    for moment in sorted(due):
        if moment - timedelta(seconds=1) not in due:
            assert await told_at(post, moment - timedelta(seconds=1)) == {}
        told = await told_at(post, moment)
        assert set(told) == due[moment]
        for one in meetings:
            if one.email in told:
                assert local(one) in told[one.email]
    assert {row["state"] for row in await post.rows()} == {"delivered"}


async def told_at(post: Post, moment: datetime) -> dict[str, str]:
    """The texts that go out at that moment, by whom they are for."""
    before = len(post.far.heard)
    post.now = moment
    await post.tell()
    return {content["to"]: content["text"] for _, content in post.far.heard[before:]}


def local(one: Booked) -> str:
    """How the wall clock of the zone shows the start, by the zone's own rules."""
    return f"{one.start.astimezone(ZoneInfo(one.zone)):%a %Y-%m-%d, %H:%M}"


async def test_minutes_before_a_meeting_in_testing_mode(post: Post) -> None:
    """The offsets are rules of the workspace: six, three and one minute before."""
    minutes = (timedelta(minutes=6), timedelta(minutes=3), timedelta(minutes=1))
    await post.rule(Rules(remind_before=minutes))
    start = post.now + timedelta(minutes=5)
    await post.hear(body("BOOKING_CREATED", post.now, payload("one", 1, start, ["ann@acme.example"])))
    await post.tell()
    for before in (timedelta(minutes=3), timedelta(minutes=1)):
        assert not await counted(post, start - before - timedelta(seconds=1))
        assert await counted(post, start - before) == 1
    assert post.far.kinds == ["confirm", "remind", "remind"]


async def counted(post: Post, moment: datetime) -> int:
    before = len(post.far.heard)
    post.now = moment
    await post.tell()
    return len(post.far.heard) - before
