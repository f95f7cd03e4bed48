"""A state machine of bookings and commands, compared with the reference model after every step."""

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

from showup.commands.execute import CommandResult
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import AttendeeConfirmed, BookingAttached, OutcomeReported
from showup.events.deal import DealChanged, DealOpened
from showup.events.manual import ManualEvent
from showup.events.workspace import CompanyRecorded, PersonRecorded, RulesChanged
from showup.sources.manual.translate import encode
from tests.execute import execute
from tests.histories.calcom_week import COLLEAGUE, GUEST, GUS, LEE, SAM, SARAH, Meeting, ReceivedBody, Week
from tests.histories.operator_commands import ACME, ACTOR, GLOBEX
from tests.histories.table_contents import WORKSPACE, apply_batch, reset_database
from tests.model.reference import expected_model
from tests.model.source_events import ReceivedEvent
from tests.model.tables import expected_rows, read_rows

_ATTENDEE_LISTS = ([SARAH, GUEST], [SAM], [GUS], [COLLEAGUE, LEE])
# The changes of a booking at Cal.com, by its status there, each with the status that follows.
_TRANSITIONS: dict[str, tuple[tuple[Callable[[Meeting], None], str], ...]] = {
    "accepted": (
        (Meeting.reschedule, "accepted"),
        (Meeting.cancel, "cancelled"),
        (Meeting.request_rebooking, "to be rebooked"),
        (Meeting.request_reschedule, "pending"),
        (Meeting.relocate, "accepted"),
        (Meeting.reassign, "accepted"),
    ),
    "pending": (
        (Meeting.create, "accepted"),
        (Meeting.pay, "accepted"),
        (Meeting.confirm_by_request, "accepted"),
        (Meeting.create_unpaid, "pending"),
        (Meeting.reject, "rejected"),
        (Meeting.cancel, "cancelled"),
    ),
    "to be rebooked": ((Meeting.reschedule, "accepted"), (Meeting.cancel, "cancelled")),
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
_INITIAL_RULES: tuple[dict[str, Any], ...] = (
    {"follow_up": True},
    {"follow_up": True, "notify_guests": True},
    {"notify_guests": True},
    {"fresh_for": "P1D"},
    {"hosts_domains_are_ours": False, "notify_guests": True},
)
_ARRIVALS = st.sampled_from(["now", "now", "now", "held", "lost"])
_EMAILS = (SARAH, "lee@globex.example", GUS, "new@initech.example")
_indexes = st.integers(0, 99)


class BookingMachine(RuleBasedStateMachine):
    """Cal.com and people act; Showup receives each event at once, late, twice or never."""

    def __init__(self, engine: AsyncEngine, loop: asyncio.Runner) -> None:
        super().__init__()
        self.engine, self.loop = engine, loop
        self.week = Week()
        # No event has the same time as the end of a meeting.
        self.week.now += timedelta(seconds=13)
        self.meetings: list[Meeting] = []
        self.statuses: dict[str, str] = {}
        self.history: list[ReceivedEvent] = []
        self.delivered: list[ReceivedBody] = []
        self.delayed: list[ReceivedBody] = []
        self.opened_deals: list[UUID] = []
        self.loop.run(reset_database(engine))

    @initialize(
        first=st.sampled_from(_ATTENDEE_LISTS),
        second=st.sampled_from(_ATTENDEE_LISTS),
        initial_rules=st.sampled_from(_INITIAL_RULES),
    )
    def begin(self, first: list[str], second: list[str], initial_rules: dict[str, Any]) -> None:
        # A later change of these rules would replay the bookings and send nothing; the model doesn't know when events
        # were replayed.
        self._execute(RulesChanged, changes=initial_rules, since=None)
        self.book(first, 3, is_request=False, is_in_series=True, arrival="now")
        self.book(second, 5, is_request=False, is_in_series=True, arrival="now")

    @precondition(lambda self: len(self.meetings) < 4)
    @rule(
        emails=st.sampled_from(_ATTENDEE_LISTS),
        days=st.sampled_from([0, 0, 1, 4]),
        is_request=st.booleans(),
        is_in_series=st.booleans(),
        arrival=_ARRIVALS,
    )
    def book(self, emails: list[str], days: int, is_request: bool, is_in_series: bool, arrival: str) -> None:
        meeting = Meeting(self.week, f"m{len(self.meetings)}", emails, 0)
        meeting.start = self.week.now.replace(minute=0, second=0) + timedelta(days=days, hours=2)
        meeting.is_in_series = is_in_series
        self.meetings.append(meeting)
        self._change_meeting(
            meeting, Meeting.request if is_request else Meeting.create, "pending" if is_request else "accepted", arrival
        )

    @precondition(lambda self: self._future_meetings())
    @rule(meeting_index=_indexes, change_index=_indexes, arrival=_ARRIVALS)
    def change(self, meeting_index: int, change_index: int, arrival: str) -> None:
        meeting = self._future_meetings()[meeting_index % len(self._future_meetings())]
        change, status = _TRANSITIONS[self.statuses[meeting.name]][
            change_index % len(_TRANSITIONS[self.statuses[meeting.name]])
        ]
        # All later webhooks name the new host too, so this one always arrives.
        self._change_meeting(meeting, change, status, "now" if change is Meeting.reassign else arrival)

    @precondition(lambda self: self._accepted_meetings())
    @rule(which=_indexes, change=st.sampled_from([Meeting.end, Meeting.mark, Meeting.unmark]), arrival=_ARRIVALS)
    def end_meeting(self, which: int, change: Callable[[Meeting], None], arrival: str) -> None:
        meeting = self._accepted_meetings()[which % len(self._accepted_meetings())]
        self.week.now = max(self.week.now, meeting.start + timedelta(hours=2, seconds=13))
        self._change_meeting(meeting, change, "accepted", arrival)

    @rule(hours=st.sampled_from([1, 30]))
    def time_passes(self, hours: int) -> None:
        self.week.now += timedelta(hours=hours)

    def _future_meetings(self) -> list[Meeting]:
        return [one for one in self.meetings if self.statuses[one.name] in _TRANSITIONS and self.week.now < one.start]

    def _accepted_meetings(self) -> list[Meeting]:
        return [one for one in self.meetings if self.statuses[one.name] == "accepted"]

    def _change_meeting(self, meeting: Meeting, change: Callable[[Meeting], None], status: str, arrival: str) -> None:
        """The webhook arrives now, is delayed, or is lost."""
        change(meeting)
        self.statuses[meeting.name] = status
        if arrival == "now":
            self._deliver(self.week.sent[-1])
        elif arrival == "held":
            self.delayed.append(self.week.sent[-1])

    @precondition(lambda self: self.delayed)
    @rule(which=_indexes)
    def deliver_delayed(self, which: int) -> None:
        self._deliver(self.delayed.pop(which % len(self.delayed)))

    @precondition(lambda self: self.delivered)
    @rule(which=_indexes)
    def deliver_again(self, which: int) -> None:
        self._deliver(self.delivered[which % len(self.delivered)])

    def _deliver(self, body: ReceivedBody) -> None:
        self.week.now += timedelta(seconds=1)
        body = body._replace(received_at=self.week.now)
        self.loop.run(apply_batch(self.engine, [body]))
        self.delivered.append(body)
        self.history.append(ReceivedEvent(self.loop.run(self._id_of(body)), body.body, body.received_at))

    async def _id_of(self, body: ReceivedBody) -> str:
        query = "SELECT id::text FROM inbox_events WHERE digest = sha256($1) AND duplicate_of IS NULL"
        async with transaction(self.engine) as tx:
            return str(await (await driver_connection(tx)).fetchval(query, body.body))

    @rule(which=_indexes, outcome=st.sampled_from(["showed", "no_show", "host_absent", "rescheduled"]))
    def report_outcome(self, which: int, outcome: Any) -> None:
        more = {"notes": outcome} if which % 2 else {"next_step": outcome}
        self._execute(OutcomeReported, subject=self._booking(which), outcome=outcome, **more)

    @rule(which=_indexes, is_other_time=st.sampled_from([False, False, True]))
    def confirm(self, which: int, is_other_time: bool) -> None:
        meeting = self.meetings[which % len(self.meetings)]
        start_time = meeting.start + timedelta(hours=is_other_time)
        # The model leaves out attendees of our own side, who are first in their lists.
        email = meeting.emails[-1].lower()
        self._execute(AttendeeConfirmed, subject=self._booking(which), attendee=email, start_time=start_time)

    @rule(which=_indexes, company=_COMPANIES, change=_CHANGES)
    def change_deal(self, which: int, company: str, change: DealChange) -> None:
        if which % 4:
            self._execute(DealChanged, subject=self._deal(which), change=change)
            return
        result = self._execute(DealOpened, company=company, change=change)
        if result.refused is None:
            self.opened_deals.append(result.event_ids[0])

    @rule(which=_indexes, company=_COMPANIES, email=st.sampled_from(_EMAILS))
    def record_contact(self, which: int, company: str, email: str) -> None:
        match which % 4:
            case 0:
                self._execute(BookingAttached, subject=self._booking(which), company=company)
            case 1:
                self._execute(CompanyRecorded, company=company if which % 3 else None, name=f"Company {which}")
            case 2:
                self._execute(PersonRecorded, email=email.lower(), name=f"Person {which}")
            case _:
                self._execute(PersonRecorded, email=email.lower(), company=company)

    @rule(changes=st.sampled_from(_RULES), hours_back=st.sampled_from([None, 0, 30]))
    def change_rules(self, changes: dict[str, Any], hours_back: int | None) -> None:
        since = None if hours_back is None else self.week.now - timedelta(hours=hours_back)
        self._execute(RulesChanged, changes=changes, since=since)

    def _booking(self, which: int) -> str:
        meeting = self.meetings[which % len(self.meetings)]
        return f"uid:{meeting.uids[which % len(meeting.uids)]}"

    def _deal(self, which: int) -> str:
        known = [*(f"deal:{one}" for one in self.opened_deals), *(f"uid:{one.uids[0]}" for one in self.meetings)]
        return known[which % len(known)]

    def _execute(self, event_type: Callable[..., ManualEvent], **fields: Any) -> CommandResult:
        """Sends a command. The model must refuse it if and only if Showup does."""
        event = event_type(**fields)
        at = self.week.next_time()
        body = encode(event, at=at, actor=ACTOR)
        model = expected_model([*self.history, ReceivedEvent("trial", body, self.week.now)])
        result = self.loop.run(execute(self.engine, WORKSPACE, event, at=at))
        refusal = model.refused.get("trial") or (
            "it waits" if any(one.id == "trial" for one in model.waiting) else None
        )
        assert (result.refused is None) == (refusal is None), (
            msgspec.to_builtins(event),
            result.refused,
            refusal,
        )
        if result.refused is None:
            self.history.append(ReceivedEvent(str(result.event_ids[0]), body, self.week.now))
        return result

    @invariant()
    def tables_match_model(self) -> None:
        actual = self.loop.run(self._read_tables())
        for name, rows in expected_rows(expected_model(self.history)).items():
            assert actual[name] == rows, name

    async def _read_tables(self) -> dict[str, list[tuple[Any, ...]]]:
        async with transaction(self.engine) as tx:
            return await read_rows(await driver_connection(tx), WORKSPACE)
