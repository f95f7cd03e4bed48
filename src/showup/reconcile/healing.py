"""How the differences of one booking heal: each piece of news is tried on its story before it enters the log.

What makes no difference there would make none in the log either, however often it is told: that is drift.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from showup.events import News, Replaced
from showup.pipeline.rules import RuleBook
from showup.pipeline.story import tell
from showup.reconcile.compare import Difference, Kind, Standing, differences, is_about
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.as_webhook import Telling, as_webhook

Read: TypeAlias = Callable[[bytes], News | None]
"""Reads a body as the inbox will; None where it would be no news."""

_NOBODY: Final = UUID(int=0)
# First as of when Cal.com says that it changed, then as of just after everything that it has to overrule.
_TRIES: Final = 2
_JUST_AFTER: Final = timedelta(milliseconds=1)
_MOST: Final = 50


class Known(Struct, frozen=True, kw_only=True):
    """What we were told of a booking: its story; the story of the one it took the place of; what waits for it."""

    news: tuple[News, ...] = ()
    before: tuple[News, ...] = ()
    waiting: tuple[News, ...] = ()


class Heal(Struct, frozen=True, kw_only=True):
    """One body for the log, and what it heals of which booking (its uid, or its number)."""

    uid: str
    kind: Kind
    body: bytes


class Healed(Struct, frozen=True, kw_only=True):
    """What is to be put into the log, in this order, and what no news puts right.

    `doubtful`: something differs of which a webhook may still be on its way.
    """

    heals: list[Heal]
    drift: list[Difference]
    doubtful: bool


def heal(
    known: Known,
    theirs: ApiBooking,
    *,
    over_by: datetime,
    rules: RuleBook,
    read: Read,
    leaving: Collection[Kind] = (),
) -> Healed:
    """Everything by which our booking becomes the one that the API shows, `leaving` differences of these kinds."""
    story = _Story(known=known, theirs=theirs, over_by=over_by, rules=rules, read=read, news=known.news)
    while len(story.heals) < _MOST and (one := story.next(leaving)) is not None:
        story.attempt(one)
    left = story.differences()
    return Healed(
        heals=story.heals,
        drift=[one for one in left if one.kind not in leaving],
        doubtful=any(one.kind in leaving for one in left),
    )


class _Story(Struct, kw_only=True):
    """What we were told, and by now what heals it too."""

    known: Known
    theirs: ApiBooking
    over_by: datetime
    rules: RuleBook
    read: Read
    news: tuple[News, ...]
    heals: list[Heal] = []
    tries: Counter[Kind] = field(default_factory=Counter)

    def differences(self, news: Sequence[News] | None = None) -> list[Difference]:
        """What is left to heal."""
        return differences(_standing(self.news if news is None else news, self.rules), self.theirs, self.over_by)

    def next(self, leaving: Collection[Kind]) -> Difference | None:
        """The first difference that was not tried in vain."""
        open_ = (one for one in self.differences() if self.tries[one.kind] < _TRIES and one.kind not in leaving)
        return next(open_, None)

    def attempt(self, one: Difference) -> None:
        """Tells it, and keeps what made the difference go."""
        before = _standing(self.known.before, self.rules)
        again = self.tries[one.kind] > 0
        body = as_webhook(self.theirs, _at(_linked(one.telling, before), self.news, self.theirs, again=again))
        self.tries[one.kind] += 1
        founds = one.telling.replaces is not None or not self.news
        tried = _with(self.news, self.read(body), self.known if founds else Known())
        if _is_healed(one, self.differences(tried)):
            self.news = tried
            self.heals.append(Heal(uid=self.theirs.uid or str(self.theirs.id), kind=one.kind, body=body))
            # Of a booking with seats several may be missing, each a difference of the same kind.
            del self.tries[one.kind]


def _is_healed(one: Difference, still: Sequence[Difference]) -> bool:
    return not any((left.kind, left.ours, left.theirs) == (one.kind, one.ours, one.theirs) for left in still)


def _standing(news: Sequence[News], rules: RuleBook) -> Standing:
    if not news:
        return Standing()
    return Standing(
        booking=tell(_NOBODY, news, rules).booking,
        news=tuple(sorted(news, key=lambda one: one.order_key)),
    )


def _with(news: Sequence[News], one: News | None, known: Known) -> tuple[News, ...]:
    joined = {each.event_id: each for each in (*news, *known.before, *known.waiting)}
    return (*joined.values(), *(() if one is None else (one,)))


def _linked(telling: Telling, before: Standing) -> Telling:
    """The old booking's times are told with it, where they are known."""
    if telling.replaces is None or before.booking is None:
        return telling
    held = next((one for one in before.booking.uids if one.uid == telling.replaces.uid), None)
    if held is None:
        return telling
    return replace(telling, replaces=Replaced(uid=held.uid, start_time=held.start_time, end_time=held.end_time))


def _at(telling: Telling, news: Sequence[News], theirs: ApiBooking, *, again: bool) -> Telling:
    latest = max((one.source_at for one in news if is_about(one, theirs)), default=None)
    if not again or latest is None or telling.at is None or latest < telling.at:
        return telling
    return replace(telling, at=latest + _JUST_AFTER)
