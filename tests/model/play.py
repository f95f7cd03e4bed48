"""A play of bookings and people at their desks, held against the reference model after every step."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deals.deal import DealChange
from showup.inbox.act import Acted, act
from showup.sources.hand import command
from showup.sources.hand.command import Command, encode
from tests.model.facts import Heard
from tests.model.reference import what_must_stand
from tests.model.tables import expected, seen
from tests.stories.calendar import GUEST, GUS, LEE, SAM, SARAH, Arrival, Meeting, Week
from tests.stories.desk import ACME, GLOBEX, WHO
from tests.stories.tables import WORKSPACE, hear, wipe

_WHO = ([SARAH, GUEST], [SAM], [GUS], [LEE])
# What can be done with a booking at Cal.com, by the state that it is in there, and the state it is in then.
_LIFE: dict[str, tuple[tuple[Callable[[Meeting], None], str], ...]] = {
    "accepted": (
        (Meeting.move, "accepted"),
        (Meeting.cancel, "cancelled"),
        (Meeting.ask_to_rebook, "to be rebooked"),
        (Meeting.ask_to_move, "pending"),
        (Meeting.relocate, "accepted"),
        (Meeting.reassign, "accepted"),
    ),
    "pending": ((Meeting.make, "accepted"), (Meeting.decline, "rejected"), (Meeting.cancel, "cancelled")),
    "to be rebooked": ((Meeting.move, "accepted"), (Meeting.cancel, "cancelled")),
}
_CHANGES = st.builds(
    DealChange,
    stage=st.sampled_from([None, "booked", "met", "met", "proposal", "demo"]),
    status=st.sampled_from([None, None, "active", "won", "lost", "cancelled"]),
    lost_reason=st.sampled_from([None, "no budget"]),
    owner_email=st.sampled_from([None, "ann@outbound.example"]),
    amount=st.just(Decimal(900)),
    currency=st.just("EUR"),
)
_COMPANIES = st.sampled_from([ACME, GLOBEX])
_RULES: tuple[dict[str, Any], ...] = (
    {"cancel_deal": "last_meeting"},
    {"cancel_deal": "always"},
    {"meeting_ended": "unreported"},
    {"meeting_ended": "showed"},
    {"personal_domains": ["globex.example"]},
    {"personal_domains": []},
    {"stages": ["booked", "demo", "met"]},
    {"stages": ["met"]},
)
_TOLD: tuple[dict[str, Any], ...] = (
    {"follow_up": True},
    {"follow_up": True, "tell_guests": True},
    {"tell_guests": True},
    {"fresh_for": "P1D"},
)
_NEWS = st.sampled_from(["now", "now", "now", "held", "lost"])
_KNOWN = (SARAH, "lee@globex.example", GUS, "new@initech.example")
_picks = st.integers(0, 99)


class Play(RuleBasedStateMachine):
    """Cal.com acts, people act, and news of it reaches us at once, late, twice or never."""

    def __init__(self, engine: AsyncEngine, loop: asyncio.Runner) -> None:
        super().__init__()
        self.engine, self.loop = engine, loop
        self.week = Week()
        # Nothing happens at the same instant as the end of a meeting.
        self.week.now += timedelta(seconds=13)
        self.meetings: list[Meeting] = []
        self.life: dict[str, str] = {}
        self.history: list[Heard] = []
        self.delivered: list[Arrival] = []
        self.held: list[Arrival] = []
        self.opened: list[UUID] = []
        self.loop.run(wipe(engine))

    @initialize(first=st.sampled_from(_WHO), second=st.sampled_from(_WHO), told=st.sampled_from(_TOLD))
    def begin(self, first: list[str], second: list[str], told: dict[str, Any]) -> None:
        # Told anew under such rules later, nothing of it would be sent: the model knows no time of telling.
        self._act(command.ChangeRules, changes=told, since=None)
        self.book(first, 3, asks=False, news="now")
        self.book(second, 5, asks=False, news="now")

    @precondition(lambda self: len(self.meetings) < 4)
    @rule(who=st.sampled_from(_WHO), days=st.sampled_from([0, 0, 1, 4]), asks=st.booleans(), news=_NEWS)
    def book(self, who: list[str], days: int, asks: bool, news: str) -> None:
        meeting = Meeting(self.week, f"m{len(self.meetings)}", who, 0)
        meeting.start = self.week.now.replace(minute=0, second=0) + timedelta(days=days, hours=2)
        self.meetings.append(meeting)
        self._do(meeting, Meeting.ask if asks else Meeting.make, "pending" if asks else "accepted", news)

    @precondition(lambda self: self._to_come())
    @rule(which=_picks, what=_picks, news=_NEWS)
    def change(self, which: int, what: int, news: str) -> None:
        meeting = self._to_come()[which % len(self._to_come())]
        deed, then = _LIFE[self.life[meeting.name]][what % len(_LIFE[self.life[meeting.name]])]
        # Whose calendar it is in, all further news say too; so that one reaches us.
        self._do(meeting, deed, then, "now" if deed is Meeting.reassign else news)

    @precondition(lambda self: self._standing())
    @rule(which=_picks, deed=st.sampled_from([Meeting.end, Meeting.mark, Meeting.unmark]), news=_NEWS)
    def meet(self, which: int, deed: Callable[[Meeting], None], news: str) -> None:
        meeting = self._standing()[which % len(self._standing())]
        self.week.now = max(self.week.now, meeting.start + timedelta(hours=2, seconds=13))
        self._do(meeting, deed, "accepted", news)

    @rule(hours=st.sampled_from([1, 30]))
    def time_passes(self, hours: int) -> None:
        self.week.now += timedelta(hours=hours)

    def _to_come(self) -> list[Meeting]:
        return [one for one in self.meetings if self.life[one.name] in _LIFE and self.week.now < one.start]

    def _standing(self) -> list[Meeting]:
        return [one for one in self.meetings if self.life[one.name] == "accepted"]

    def _do(self, meeting: Meeting, deed: Callable[[Meeting], None], then: str, news: str) -> None:
        """`news` reaches us now, is held up, or is lost."""
        deed(meeting)
        self.life[meeting.name] = then
        if news == "now":
            self._hear(self.week.sent[-1])
        elif news == "held":
            self.held.append(self.week.sent[-1])

    @precondition(lambda self: self.held)
    @rule(which=_picks)
    def late_news(self, which: int) -> None:
        self._hear(self.held.pop(which % len(self.held)))

    @precondition(lambda self: self.delivered)
    @rule(which=_picks)
    def the_same_again(self, which: int) -> None:
        self._hear(self.delivered[which % len(self.delivered)])

    def _hear(self, news: Arrival) -> None:
        self.week.now += timedelta(seconds=1)
        news = news._replace(received_at=self.week.now)
        self.loop.run(hear(self.engine, [news]))
        self.delivered.append(news)
        self.history.append(Heard(self.loop.run(self._id_of(news)), news.body, news.received_at))

    async def _id_of(self, news: Arrival) -> str:
        query = "SELECT id::text FROM calcom_events WHERE digest = sha256($1) AND duplicate_of IS NULL"
        async with transaction(self.engine) as tx:
            return str(await (await raw(tx)).fetchval(query, news.body))

    @rule(which=_picks, outcome=st.sampled_from(["showed", "no_show", "host_absent", "rescheduled"]))
    def report(self, which: int, outcome: Any) -> None:
        more = {"notes": outcome} if which % 2 else {"next_step": outcome}
        self._act(command.ReportOutcome, booking=self._booking(which), outcome=outcome, **more)

    @rule(which=_picks, company=_COMPANIES, change=_CHANGES)
    def deal(self, which: int, company: str, change: DealChange) -> None:
        if which % 4:
            self._act(command.ChangeDeal, deal=self._deal(which), change=change)
            return
        acted = self._act(command.OpenDeal, company=company, change=change)
        if acted.refused is None:
            self.opened.append(acted.event_ids[0])

    @rule(which=_picks, company=_COMPANIES, who=st.sampled_from(_KNOWN))
    def enter(self, which: int, company: str, who: str) -> None:
        match which % 4:
            case 0:
                self._act(command.MoveBooking, booking=self._booking(which), company=company)
            case 1:
                self._act(command.RecordCompany, company=company if which % 3 else None, name=f"Company {which}")
            case 2:
                self._act(command.RecordPerson, email=who, name=f"Person {which}")
            case _:
                self._act(command.RecordPerson, email=who, company=GLOBEX)

    @rule(changes=st.sampled_from(_RULES), back=st.sampled_from([None, 0, 30]))
    def change_rules(self, changes: dict[str, Any], back: int | None) -> None:
        since = None if back is None else self.week.now - timedelta(hours=back)
        self._act(command.ChangeRules, changes=changes, since=since)

    def _booking(self, which: int) -> str:
        meeting = self.meetings[which % len(self.meetings)]
        return f"uid:{meeting.uids[which % len(meeting.uids)]}"

    def _deal(self, which: int) -> str:
        known = [*(f"deal:{one}" for one in self.opened), *(f"uid:{one.uids[0]}" for one in self.meetings)]
        return known[which % len(known)]

    def _act(self, what: Callable[..., Command], **fields: Any) -> Acted:
        """Gives a command, which the model refuses if and only if we do; what was refused never is part of history."""
        given = what(at=self.week.tick(), actor=WHO, **fields)
        body = encode(given)
        trial = what_must_stand([*self.history, Heard("trial", body, self.week.now)])
        acted = self.loop.run(self._acted(given))
        refused = trial.refused.get("trial") or (
            "it waits" if any(one.id == "trial" for one in trial.waiting) else None
        )
        assert (acted.refused is None) == (refused is None), (msgspec.to_builtins(given), acted.refused, refused)
        if acted.refused is None:
            self.history.append(Heard(str(acted.event_ids[0]), body, self.week.now))
        return acted

    async def _acted(self, given: Command) -> Acted:
        async with transaction(self.engine) as tx:
            return await act(await raw(tx), WORKSPACE, [given], self.week.now)

    @invariant()
    def what_stands_is_what_must(self) -> None:
        found = self.loop.run(self._seen())
        for name, rows in expected(what_must_stand(self.history)).items():
            assert found[name] == rows, name

    async def _seen(self) -> dict[str, list[tuple[Any, ...]]]:
        async with transaction(self.engine) as tx:
            return await seen(await raw(tx), WORKSPACE)
