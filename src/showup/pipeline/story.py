"""A booking's story: its news folded in source order, from the first to the last.

The order in which news arrived is no input, so it can't matter. Told again with one more piece of news, late or not,
the story says what would have stood if everything had come in time.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.companies.company import key_of_domain
from showup.deals.deal import Turn, TurnKind
from showup.effects import Announce, Effect, Remind, SkipReminders
from showup.events import AttendeeSeen, BookingAttached, ByHand, DealChanged, News
from showup.people.person import Person
from showup.pipeline.decide import decide, founds
from showup.pipeline.decision import Decision, Rejection, Situation, Withdraw
from showup.pipeline.rules import RuleBook
from showup.pipeline.seeing import shown

_BEFORE: Final = timedelta(microseconds=1)
_NUMBERED: Final = re.compile(r"\+[0-9]+$")
_STANDS: Final = {"booking.created", "booking.rescheduled"}

WantState: TypeAlias = Literal["scheduled", "withdrawn", "skipped"]


class Want(Struct, frozen=True, kw_only=True):
    """An effect that the story calls for, or called for until something else happened."""

    effect: Effect | Announce
    event_id: UUID
    booking_version: int
    decided_at: datetime
    state: WantState = "scheduled"
    because: str | None = None


class Line(Struct, frozen=True, kw_only=True):
    """One line for the journal: what changed, when, by whose news, and why."""

    event_id: UUID
    at: datetime
    order_key: str
    actor: str
    what: str
    because: str
    change: dict[str, Any] = {}
    deal_id: UUID | None = None


class Naming(Struct, frozen=True, kw_only=True):
    """A company's name as a booker gave it, and the order key of the news that did."""

    name: str
    seen: str


class Story(Struct, kw_only=True):
    """All that one booking's news amounts to. `refused`: by event, why it changed nothing.

    `began_at` and `changed_at` are source times: of the first news, and of the last that was not refused. `attached_at`
    says, by the key of a company, when people attached the booking to it.
    """

    booking: Booking | None = None
    began_at: datetime | None = None
    changed_at: datetime | None = None
    turns: list[Turn] = []
    wants: dict[str, Want] = {}
    announced: dict[str, Want] = {}
    lines: list[Line] = []
    people: dict[str, Person] = {}
    names: dict[str, Naming] = {}
    attached_at: dict[str, list[datetime]] = {}
    refused: dict[UUID, str] = {}

    @property
    def company_key(self) -> str | None:
        """The company that the booking and its deal belong to: of the attendees, unless somebody said another."""
        if self.booking is None or self.booking.attached_to is not None:
            return self.booking.attached_to if self.booking is not None else None
        return None if self.booking.company_domain is None else key_of_domain(self.booking.company_domain)


def tell(booking_id: UUID, news: Iterable[News], rules: RuleBook) -> Story:
    """Folds the news of one booking, each under the rules of its time; `booking_id` only names it in its turns."""
    story = Story()
    ordered = _in_order(news)
    for item in ordered:
        decision = decide(Situation(booking=story.booking), item, rules.at(item.source_at))
        if isinstance(decision, Rejection):
            story.refused[item.event_id] = decision.because
            story.lines.append(_line(item, "news.set_aside", decision.because))
        else:
            _take(story, booking_id, item, decision)
    _drop_needless_skips(story.wants)
    _line_up(story.announced)
    _meet(story, ordered)
    return story


def _in_order(news: Iterable[News]) -> list[News]:
    """Source order, except that nothing is heard before the first news on which a booking can stand.

    Of one body that two accounts sent, always the same one comes first.
    """
    ordered = sorted(news, key=lambda item: (item.order_key, str(item.account_id)))
    head = next((place for place, item in enumerate(ordered) if founds(item.event)), None)
    return [ordered[head], *ordered[:head], *ordered[head + 1 :]] if head else ordered


def _take(story: Story, booking_id: UUID, item: News, decision: Decision) -> None:
    before, after = story.booking, decision.after
    story.booking = after
    story.began_at = item.source_at if story.began_at is None else min(story.began_at, item.source_at)
    story.changed_at = item.source_at if story.changed_at is None else max(story.changed_at, item.source_at)
    story.turns.extend(_turn(booking_id, item, kind, after) for kind in decision.turns)
    _want(story.wants, item, decision)
    _announce(story.announced, item, decision)
    if decision.what and not _is_known(story, before, decision):
        story.lines.append(_line(item, decision.what, decision.because, _changes(before, after)))
    if "booked" in decision.turns and story.company_key is None:
        story.lines.append(_line(item, "deal.none", _why_no_company(after)))


def _turn(booking_id: UUID, item: News, kind: TurnKind, after: Booking) -> Turn:
    event = item.event
    return Turn(
        story_id=booking_id,
        event_id=item.event_id,
        kind=kind,
        at=item.source_at,
        order_key=item.order_key,
        start_time=after.start_time,
        organizer_email=after.organizer_email,
        change=event.change if isinstance(event, DealChanged) else None,
        to=event.deal if isinstance(event, BookingAttached) else None,
        actor=item.actor if isinstance(event, ByHand) else None,
    )


def _is_known(story: Story, before: Booking | None, decision: Decision) -> bool:
    """The same news by another subscription changes nothing, so it makes no line of its own (IN4)."""
    if decision.after != before or decision.turns:
        return False
    return any((line.what, line.because) == (decision.what, decision.because) for line in story.lines)


def _want(wants: dict[str, Want], item: News, decision: Decision) -> None:
    for withdraw in decision.withdraw:
        for key, want in wants.items():
            if want.state == "scheduled" and _concerns(withdraw, want):
                wants[key] = replace(want, state="withdrawn", because=withdraw.because)
    for effect in decision.effects:
        known = wants.get(effect.key)
        if known is None or known.state == "withdrawn":
            wants[effect.key] = _wanted(effect, item, decision.after.version)


def _announce(announced: dict[str, Want], item: News, decision: Decision) -> None:
    for effect in decision.announcements:
        times = sum(key == effect.key or key.startswith(f"{effect.key}+") for key in announced)
        key = f"{effect.key}+{times}" if times else effect.key
        announced[key] = _wanted(replace(effect, key=key), item, decision.after.version)
    for effect in decision.restated:
        if not any(_says_the_same(want.effect, effect) for want in announced.values()):
            announced[effect.key] = _wanted(effect, item, decision.after.version)


def _says_the_same(one: Effect | Announce, other: Announce) -> bool:
    """Whether both say how the same meeting stands for the same attendee: that it was moved says that it stands."""
    if not isinstance(one, Announce):
        return False
    same = one.kind == other.kind or {one.kind, other.kind} == _STANDS
    return same and _NUMBERED.sub("", one.key).removeprefix(one.kind) == other.key.removeprefix(other.kind)


def _line_up(announced: dict[str, Want]) -> None:
    """Each is due before what was announced after it: who listens hears a story in its order, however it reached us."""
    next_at: datetime | None = None
    for key, want in list(announced.items())[::-1]:
        due_at = want.effect.due_at
        if next_at is not None and due_at >= next_at:
            due_at = next_at - _BEFORE
            announced[key] = replace(want, effect=replace(want.effect, due_at=due_at))
        next_at = due_at


def _concerns(withdraw: Withdraw, want: Want) -> bool:
    if withdraw.only is not None and not isinstance(want.effect, withdraw.only):
        return False
    return withdraw.recipients is None or want.effect.recipient in withdraw.recipients


def _wanted(effect: Effect | Announce, item: News, version: int) -> Want:
    because = effect.because if isinstance(effect, SkipReminders) else None
    return Want(
        effect=effect,
        event_id=item.event_id,
        booking_version=version,
        decided_at=item.received_at,
        state="scheduled" if because is None else "skipped",
        because=because,
    )


def _drop_needless_skips(wants: dict[str, Want]) -> None:
    """The same news heard once in time and once too late: the reminders that it made in time hold."""
    reminded = {key.rpartition(":")[0] for key, want in wants.items() if isinstance(want.effect, Remind)}
    skips = [key for key, want in wants.items() if isinstance(want.effect, SkipReminders)]
    for key in skips:
        if key.rpartition(":")[0] in reminded:
            del wants[key]


def _meet(story: Story, news: Iterable[News]) -> None:
    """Who was met, and what each piece of news said of them; the booker may have named the company.

    Refused news counts too: it changes no booking, and still knows the names and time zones of people.
    """
    booking = story.booking
    if booking is None:
        return
    people = {one.email: one for one in booking.attendees if one.is_person}
    for item in news:
        if isinstance(item.event, BookingAttached):
            story.attached_at.setdefault(item.event.company, []).append(item.source_at)
        seen = item.event.booking
        for one in seen.attendees:
            if one.email is not None and one.email in people:
                _sight(story, item, one, people[one.email].company_domain)
        if seen.company_answer is not None and booking.company_domain is not None:
            story.names[key_of_domain(booking.company_domain)] = Naming(name=seen.company_answer, seen=item.order_key)


def _sight(story: Story, item: News, seen: AttendeeSeen, company_domain: str | None) -> None:
    assert seen.email is not None, "only who has an address is a person"
    met = Person(
        email=seen.email,
        name=seen.name,
        time_zone=seen.time_zone,
        phone=seen.phone,
        company_key=None if company_domain is None else key_of_domain(company_domain),
        name_seen=item.order_key if seen.name is not None else "",
        time_zone_seen=item.order_key if seen.time_zone is not None else "",
        phone_seen=item.order_key if seen.phone is not None else "",
        first_met_at=item.source_at,
        last_met_at=item.source_at,
    )
    known = story.people.get(seen.email)
    story.people[seen.email] = met if known is None else known.told(met)


def _line(item: News, what: str, because: str, change: dict[str, Any] | None = None) -> Line:
    return Line(
        event_id=item.event_id,
        at=item.source_at,
        order_key=item.order_key,
        actor=item.actor,
        what=what,
        because=because,
        change=change or {},
    )


def _changes(before: Booking | None, after: Booking) -> dict[str, Any]:
    """The fields a reader of the timeline looks for, as {name: [before, after]}."""
    was = shown(before) if before is not None else {}
    return {name: [_plain(was.get(name)), _plain(now)] for name, now in shown(after).items() if was.get(name) != now}


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _why_no_company(after: Booking) -> str:
    if after.booker is None:
        return "no attendee is a prospect known by email, so there is no company and no deal"
    domain = str(after.booker.email).rpartition("@")[2]
    return f"{domain} is a personal domain, so there is no company and no deal"
