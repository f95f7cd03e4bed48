"""Some weeks at a loopback Cal.com: a history by seed, with all that people do to bookings, in the order of time."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.calcom_far.cast import Cast
from tests.calcom_far.rows import Booking
from tests.calcom_far.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_ROWS_OF_A_PLOT = 1.4


def generate(world: World, *, seed: int = 0, bookings: int = 1000, days: int = 20, silent: bool = True) -> None:
    """Plays `days`, in which about `bookings` rows come to stand; the meetings of some lie in the future then.

    `silent`: also what Cal.com tells by no webhook, so that even a run without loss leaves something to heal.
    """
    Weeks(world, seed=seed, bookings=bookings, days=days, silent=silent).play()


def fill(world: World, *, seed: int = 0, bookings: int, days: int = 365) -> None:
    """A long past of plain bookings, of which no webhook is ever sent: for backfills."""
    chance, was_mute = random.Random(seed), world.is_mute  # noqa: S311 - chance that can be repeated
    cast, began_at, world.is_mute = Cast(world, chance), world.clock(), True
    for number in range(bookings):
        world.advance_to(began_at + number * (days * DAY / bookings))
        start_at = world.clock() + chance.randint(2, 18) * HOUR
        booking = world.book(cast.intro, cast.somebody(), start_at=start_at)
        if chance.random() < 0.15:
            world.cancel(booking.uid)
    world.is_mute = was_mute


@dataclass(slots=True)
class Plot:
    """What is left of one booking's story: `uid` is its newest, `to_do` the acts before the meeting."""

    uid: str
    to_do: list["Act"]


Act = Callable[["Weeks", Plot], None]


class Weeks:
    """Acts wait until they are due; what an act does depends on what has become of the booking by then."""

    def __init__(self, world: World, *, seed: int, bookings: int, days: int, silent: bool) -> None:
        self.world, self.silent = world, silent
        self.chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.cast = Cast(world, self.chance)
        self.ends_at = world.clock() + days * DAY
        self._apart = days * DAY / max(bookings / _ROWS_OF_A_PLOT, 1)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = 0

    def play(self) -> None:
        self._at(self.world.clock(), self._open)
        while self._due and self._due[0][0] <= self.ends_at:
            due_at, _, act = heapq.heappop(self._due)
            self.world.advance_to(due_at)
            act()
        self.world.advance_to(self.ends_at)

    # ------------------------------------------------------------ how a story begins

    def _open(self) -> None:
        begin, to_do = self.chance.choices(_PLOTS, _WEIGHTS)[0]
        for booking in begin(self):
            self.follow(Plot(booking.uid, list(to_do)))
        self._at(self.world.clock() + self._apart * self.chance.uniform(0.5, 1.5), self._open)

    def slot(self) -> datetime:
        """A half hour of the next days."""
        at = self.world.clock() + self.chance.uniform(0.1, 5) * DAY
        return at.replace(minute=self.chance.choice((0, 30)), second=0, microsecond=0) + HOUR

    def book_plain(self) -> list[Booking]:
        guests = self.cast.guests()
        kind = self.chance.choice((self.cast.intro, self.cast.demo))
        answers = {"company": f"Company {self.chance.randint(1, 99)}"} if self.chance.random() < 0.2 else {}
        booker, host = self.cast.somebody(), self.cast.host()
        return [self.world.book(kind, booker, start_at=self.slot(), host=host, guests=guests, answers=answers)]

    def book_review(self) -> list[Booking]:
        return [self.world.book(self.cast.review, self.cast.somebody(), start_at=self.slot())]

    def book_series(self) -> list[Booking]:
        times = self.chance.randint(2, 4)
        return self.world.book_series(self.cast.weekly, self.cast.somebody(), start_at=self.slot(), times=times)[:1]

    def book_seats(self) -> list[Booking]:
        start_at = self.slot()
        people = {one.email.lower(): one for one in (self.cast.somebody() for _ in range(self.chance.randint(1, 4)))}
        rows = [self.world.take_seat(self.cast.tour, one, start_at=start_at) for one in people.values()]
        return rows[-1:]

    # ------------------------------------------------------------ how it goes on

    def follow(self, plot: Plot) -> None:
        """The next act comes before the meeting; when there is none left, the meeting itself."""
        booking = self.world.bookings[plot.uid]
        if plot.to_do:
            left = max(booking.start_at - self.world.clock(), timedelta())
            self._at(self.world.clock() + left * self.chance.uniform(0.1, 0.6), lambda: self._act(plot))
        elif self.silent or self.chance.random() >= 0.5:
            self._at(booking.end_at + self.chance.uniform(2, 900) * MINUTE, lambda: self._look_back(plot))
        else:
            self._at(booking.start_at + 5 * MINUTE, lambda: self._look_around(plot))

    def _act(self, plot: Plot) -> None:
        if self.world.bookings[plot.uid].start_at <= self.world.clock() + MINUTE:
            plot.to_do = []
        else:
            plot.to_do.pop(0)(self, plot)
        self.follow(plot)

    def _look_around(self, plot: Plot) -> None:
        """While the meeting runs, the host's absence can still be told by its end."""
        booking = self.world.bookings[plot.uid]
        if booking.status == "ACCEPTED" and self.chance.random() < 0.1:
            self.world.mark_host_absent(plot.uid)

    def _look_back(self, plot: Plot) -> None:
        """Somebody says after the meeting who was not there, and sometimes takes it back."""
        booking, said = self.world.bookings[plot.uid], self.chance.random()
        if booking.status != "ACCEPTED":
            return
        if said < 0.25:
            who = self.chance.choice(booking.attendees).email
            self.world.mark_absent(plot.uid, {who: True})
            if said < 0.06:
                self._at(self.world.clock() + 20 * MINUTE, lambda: self._take_back(plot, who))
        elif said < 0.30 and self.silent:
            self.world.mark_host_absent(plot.uid)

    def _take_back(self, plot: Plot, who: str) -> None:
        self.world.mark_absent(plot.uid, {who: False})

    def _at(self, at: datetime, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (at, self._count, act))

    # ------------------------------------------------------------ acts

    def is_on(self, plot: Plot) -> bool:
        return self.world.bookings[plot.uid].status == "ACCEPTED"

    def move(self, plot: Plot) -> None:
        booking = self.world.bookings[plot.uid]
        if self.is_on(plot) or (booking.rescheduled and self.world.heir_of(plot.uid) is None):
            by = self.chance.choice((booking.booker.email, booking.host.email))
            reason = self.chance.choice((None, "Something came up"))
            plot.uid = self.world.reschedule(plot.uid, self.slot(), by=by, reason=reason).uid

    def decide(self, plot: Plot) -> None:
        """The host says yes, or sometimes no."""
        if self.world.bookings[plot.uid].status == "PENDING":
            (self.world.confirm if self.chance.random() < 0.8 else self.world.reject)(plot.uid)

    def drop(self, plot: Plot) -> None:
        booking = self.world.bookings[plot.uid]
        if self.is_on(plot):
            self.world.cancel(plot.uid, by=self.chance.choice((booking.booker.email, booking.host.email)))

    def drop_rest(self, plot: Plot) -> None:
        """Of a series; where nothing may be silent, only the last one, whose webhook is the only one needed."""
        series = self.world.bookings[plot.uid].recurring_uid
        standing = [one for one in self.world.bookings.values() if one.recurring_uid == series and one.uid != plot.uid]
        if self.silent and self.is_on(plot):
            self.world.cancel_rest(standing[0].uid)
        elif self.is_on(plot):
            self.world.cancel(standing[-1].uid)

    def ask_for_another_time(self, plot: Plot) -> None:
        if self.is_on(plot):
            self.world.request_reschedule(plot.uid)

    def hand_over(self, plot: Plot) -> None:
        if self.is_on(plot):
            host = self.cast.host(other_than=self.world.bookings[plot.uid].host)
            self.world.reassign(plot.uid, host, silently=self.silent and self.chance.random() < 0.3)

    def shift(self, plot: Plot) -> None:
        """A time changed in place, which nobody is told of."""
        if self.is_on(plot) and self.silent:
            self.world.patch_time(plot.uid, self.slot())

    def leave(self, plot: Plot) -> None:
        if self.is_on(plot):
            self.world.give_back_seat(plot.uid, self.world.bookings[plot.uid].attendees[-1].email)


# How a story begins, what is done before the meeting, and how often that is so.
_STORIES: list[tuple[Callable[[Weeks], list[Booking]], list[Act], int]] = [
    (Weeks.book_plain, [], 34),
    (Weeks.book_plain, [Weeks.move], 12),
    (Weeks.book_plain, [Weeks.move, Weeks.move, Weeks.move], 6),
    (Weeks.book_plain, [Weeks.drop], 8),
    (Weeks.book_plain, [Weeks.move, Weeks.drop], 4),
    (Weeks.book_plain, [Weeks.hand_over], 6),
    (Weeks.book_plain, [Weeks.shift], 4),
    (Weeks.book_plain, [Weeks.ask_for_another_time], 2),
    (Weeks.book_plain, [Weeks.ask_for_another_time, Weeks.move], 3),
    (Weeks.book_review, [Weeks.decide], 8),
    (Weeks.book_review, [Weeks.decide, Weeks.move, Weeks.decide], 5),
    (Weeks.book_series, [], 2),
    (Weeks.book_series, [Weeks.drop_rest], 2),
    (Weeks.book_seats, [], 2),
    (Weeks.book_seats, [Weeks.leave], 2),
]
_PLOTS = [(begin, to_do) for begin, to_do, _ in _STORIES]
_WEIGHTS = [weight for _, _, weight in _STORIES]
