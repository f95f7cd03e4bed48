"""Generates some weeks at a fake Cal.com from a seed: everything that people do to bookings, in the order of time."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fake_calcom.rows import Booking
from tests.fake_calcom.sample_people import SamplePeople
from tests.fake_calcom.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_ROWS_PER_PLAN = 1.4


def generate_history(world: World, *, seed: int = 0, bookings: int = 1000, days: int = 20, silent: bool = True) -> None:
    """Simulates `days` with about `bookings` rows; some meetings are then in the future.

    `silent`: includes changes without webhooks, so that even a run without loss leaves something to repair.
    """
    HistoryGenerator(world, seed=seed, bookings=bookings, days=days, silent=silent).run()


def fill_history(world: World, *, seed: int = 0, bookings: int, days: int = 365) -> None:
    """Creates a long past of plain bookings without any webhook: for backfills."""
    chance, was_mute = random.Random(seed), world.is_mute  # noqa: S311 - repeatable, not secret
    people, began_at, world.is_mute = SamplePeople(world, chance), world.clock(), True
    for number in range(bookings):
        world.move_to(began_at + number * (days * DAY / bookings))
        start_at = world.clock() + chance.randint(2, 18) * HOUR
        booking = world.book(people.intro, people.pick_person(), start_at=start_at)
        if chance.random() < 0.15:
            world.cancel(booking.uid)
    world.is_mute = was_mute


@dataclass(slots=True)
class BookingPlan:
    """The rest of one booking's history: `uid` is its newest, `steps` the actions before the meeting."""

    uid: str
    steps: list["Step"]


Step = Callable[["HistoryGenerator", BookingPlan], None]


class HistoryGenerator:
    """Runs each action when it is due; its effect depends on the state of the booking at that time."""

    def __init__(self, world: World, *, seed: int, bookings: int, days: int, silent: bool) -> None:
        self.world, self.silent = world, silent
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.people = SamplePeople(world, self.chance)
        self.ends_at = world.clock() + days * DAY
        self._interval = days * DAY / max(bookings / _ROWS_PER_PLAN, 1)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._sequence = 0

    def run(self) -> None:
        self._schedule(self.world.clock(), self._start_plan)
        while self._due and self._due[0][0] <= self.ends_at:
            due_at, _, step = heapq.heappop(self._due)
            self.world.move_to(due_at)
            step()
        self.world.move_to(self.ends_at)

    # ------------------------------------------------------------ the beginning of a history

    def _start_plan(self) -> None:
        create, steps = self.chance.choices(_PLANS, _WEIGHTS)[0]
        for booking in create(self):
            self.schedule_next(BookingPlan(booking.uid, list(steps)))
        self._schedule(self.world.clock() + self._interval * self.chance.uniform(0.5, 1.5), self._start_plan)

    def pick_slot(self) -> datetime:
        """Returns a half hour in the next days."""
        at = self.world.clock() + self.chance.uniform(0.1, 5) * DAY
        return at.replace(minute=self.chance.choice((0, 30)), second=0, microsecond=0) + HOUR

    def book_plain(self) -> list[Booking]:
        guests = self.people.guests()
        kind = self.chance.choice((self.people.intro, self.people.demo))
        answers = {"company": f"Company {self.chance.randint(1, 99)}"} if self.chance.random() < 0.2 else {}
        booker, host = self.people.pick_person(), self.people.host()
        return [self.world.book(kind, booker, start_at=self.pick_slot(), host=host, guests=guests, answers=answers)]

    def book_review(self) -> list[Booking]:
        return [self.world.book(self.people.review, self.people.pick_person(), start_at=self.pick_slot())]

    def book_series(self) -> list[Booking]:
        times = self.chance.randint(2, 4)
        return self.world.book_series(
            self.people.weekly, self.people.pick_person(), start_at=self.pick_slot(), times=times
        )[:1]

    def book_seats(self) -> list[Booking]:
        start_at = self.pick_slot()
        guests = {
            one.email.lower(): one for one in (self.people.pick_person() for _ in range(self.chance.randint(1, 4)))
        }
        rows = [self.world.take_seat(self.people.tour, one, start_at=start_at) for one in guests.values()]
        return rows[-1:]

    # ------------------------------------------------------------ the rest of a history

    def schedule_next(self, plan: BookingPlan) -> None:
        """Schedules the next action before the meeting; when there is none left, the meeting itself."""
        booking = self.world.bookings[plan.uid]
        if plan.steps:
            time_left = max(booking.start_at - self.world.clock(), timedelta())
            self._schedule(self.world.clock() + time_left * self.chance.uniform(0.1, 0.6), lambda: self._run_step(plan))
        elif self.silent or self.chance.random() >= 0.5:
            self._schedule(booking.end_at + self.chance.uniform(2, 900) * MINUTE, lambda: self._mark_after(plan))
        else:
            self._schedule(booking.start_at + 5 * MINUTE, lambda: self._mark_host_during(plan))

    def _run_step(self, plan: BookingPlan) -> None:
        if self.world.bookings[plan.uid].start_at <= self.world.clock() + MINUTE:
            plan.steps = []
        else:
            plan.steps.pop(0)(self, plan)
        self.schedule_next(plan)

    def _mark_host_during(self, plan: BookingPlan) -> None:
        """While the meeting runs, MEETING_ENDED can still report the host's absence."""
        booking = self.world.bookings[plan.uid]
        if booking.status == "ACCEPTED" and self.chance.random() < 0.1:
            self.world.mark_host_absent(plan.uid)

    def _mark_after(self, plan: BookingPlan) -> None:
        """A person reports after the meeting who was absent, and sometimes removes the mark."""
        booking, draw = self.world.bookings[plan.uid], self.chance.random()
        if booking.status != "ACCEPTED":
            return
        if draw < 0.25:
            email = self.chance.choice(booking.attendees).email
            self.world.mark_absent(plan.uid, {email: True})
            if draw < 0.06:
                self._schedule(self.world.clock() + 20 * MINUTE, lambda: self._undo_mark(plan, email))
        elif draw < 0.30 and self.silent:
            self.world.mark_host_absent(plan.uid)

    def _undo_mark(self, plan: BookingPlan, email: str) -> None:
        self.world.mark_absent(plan.uid, {email: False})

    def _schedule(self, at: datetime, step: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (at, self._sequence, step))

    # ------------------------------------------------------------ actions

    def is_accepted(self, plan: BookingPlan) -> bool:
        return self.world.bookings[plan.uid].status == "ACCEPTED"

    def reschedule(self, plan: BookingPlan) -> None:
        booking = self.world.bookings[plan.uid]
        if self.is_accepted(plan) or (booking.rescheduled and self.world.successor_of(plan.uid) is None):
            by = self.chance.choice((booking.booker.email, booking.host.email))
            reason = self.chance.choice((None, "Something came up"))
            plan.uid = self.world.reschedule(plan.uid, self.pick_slot(), by=by, reason=reason).uid

    def confirm_or_reject(self, plan: BookingPlan) -> None:
        """The host confirms, or sometimes rejects."""
        if self.world.bookings[plan.uid].status == "PENDING":
            (self.world.confirm if self.chance.random() < 0.8 else self.world.reject)(plan.uid)

    def cancel(self, plan: BookingPlan) -> None:
        booking = self.world.bookings[plan.uid]
        if self.is_accepted(plan):
            self.world.cancel(plan.uid, by=self.chance.choice((booking.booker.email, booking.host.email)))

    def cancel_rest(self, plan: BookingPlan) -> None:
        """Cancels the rest of a series; without silent changes, only the last occurrence, which needs one webhook."""
        series = self.world.bookings[plan.uid].recurring_uid
        others = [one for one in self.world.bookings.values() if one.recurring_uid == series and one.uid != plan.uid]
        if self.silent and self.is_accepted(plan):
            self.world.cancel_rest(others[0].uid)
        elif self.is_accepted(plan):
            self.world.cancel(others[-1].uid)

    def request_reschedule(self, plan: BookingPlan) -> None:
        if self.is_accepted(plan):
            self.world.request_reschedule(plan.uid)

    def reassign(self, plan: BookingPlan) -> None:
        if self.is_accepted(plan):
            host = self.people.host(excluded=self.world.bookings[plan.uid].host)
            self.world.reassign(plan.uid, host, silently=self.silent and self.chance.random() < 0.3)

    def patch_time(self, plan: BookingPlan) -> None:
        """Changes a time in place, which no webhook reports."""
        if self.is_accepted(plan) and self.silent:
            self.world.patch_time(plan.uid, self.pick_slot())

    def cancel_seat(self, plan: BookingPlan) -> None:
        if self.is_accepted(plan):
            self.world.cancel_seat(plan.uid, self.world.bookings[plan.uid].attendees[-1].email)


# The first action of a history, the later ones before the meeting, and their frequencies.
_PLAN_WEIGHTS: list[tuple[Callable[[HistoryGenerator], list[Booking]], list[Step], int]] = [
    (HistoryGenerator.book_plain, [], 34),
    (HistoryGenerator.book_plain, [HistoryGenerator.reschedule], 12),
    (
        HistoryGenerator.book_plain,
        [HistoryGenerator.reschedule, HistoryGenerator.reschedule, HistoryGenerator.reschedule],
        6,
    ),
    (HistoryGenerator.book_plain, [HistoryGenerator.cancel], 8),
    (HistoryGenerator.book_plain, [HistoryGenerator.reschedule, HistoryGenerator.cancel], 4),
    (HistoryGenerator.book_plain, [HistoryGenerator.reassign], 6),
    (HistoryGenerator.book_plain, [HistoryGenerator.patch_time], 4),
    (HistoryGenerator.book_plain, [HistoryGenerator.request_reschedule], 2),
    (HistoryGenerator.book_plain, [HistoryGenerator.request_reschedule, HistoryGenerator.reschedule], 3),
    (HistoryGenerator.book_review, [HistoryGenerator.confirm_or_reject], 8),
    (
        HistoryGenerator.book_review,
        [HistoryGenerator.confirm_or_reject, HistoryGenerator.reschedule, HistoryGenerator.confirm_or_reject],
        5,
    ),
    (HistoryGenerator.book_series, [], 2),
    (HistoryGenerator.book_series, [HistoryGenerator.cancel_rest], 2),
    (HistoryGenerator.book_seats, [], 2),
    (HistoryGenerator.book_seats, [HistoryGenerator.cancel_seat], 2),
]
_PLANS = [(create, steps) for create, steps, _ in _PLAN_WEIGHTS]
_WEIGHTS = [weight for _, _, weight in _PLAN_WEIGHTS]
