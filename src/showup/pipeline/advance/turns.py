"""The turns of a batch's stories beside those that stand: whose deals they change, and from where on."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from showup.deals.deal import Turn
from showup.deals.store import Rest

# These sort before and behind every order key.
BEGINNING = ""
_END = "~"
# What people want of a company's deals: whether it is done, the fold of all of them says.
WANTED = frozenset({"opened", "changed", "attached"})


class TurnsOf(Struct, frozen=True, kw_only=True):
    """What one story means for deals: of which company, now and before, and by which turns."""

    story_id: UUID
    company_id: UUID | None
    company_before: UUID | None
    turns: list[Turn]

    @property
    def companies(self) -> list[UUID]:
        """The companies that it concerns or concerned."""
        return [one for one in {self.company_id, self.company_before} if one is not None]


def changed(told: Sequence[TurnsOf], standing: Mapping[UUID, Sequence[Turn]]) -> dict[UUID, str]:
    """By company whose stories mean something else now, the order key from which on its deals may have changed.

    A company whose bookings mean what they meant needs no fold: most news of a meeting is like that. What people want
    of its deals does need one, and from the beginning, since a booking that somebody moved takes a deal's lines away.
    """
    stood = _stood(told, standing)
    since: dict[UUID, str] = {}
    for of in told:
        before = stood[of.story_id]
        same = _same(of, before)
        keys = [turn.order_key for turn in (*before[same:], *of.turns[same:])]
        if keys or of.company_id != of.company_before or _wants(of.turns):
            for company in of.companies:
                since[company] = min([*keys, since.get(company, _END)])
    wanting = {one for of in told if _wants(of.turns) for one in of.companies}
    wanting |= {one for one in since if _wants(standing.get(one, ()))}
    return since | dict.fromkeys(wanting, BEGINNING)


def rests(told: Sequence[TurnsOf], standing: Mapping[UUID, Sequence[Turn]]) -> list[Rest]:
    """What of the stories' turns is to be written anew."""
    stood = _stood(told, standing)
    found = []
    for of in told:
        before = stood[of.story_id]
        same = _same(of, before)
        if of.turns[same:] or before[same:]:
            found.append(Rest(story_id=of.story_id, company_id=of.company_id, since=same, turns=of.turns[same:]))
    return found


def _stood(told: Iterable[TurnsOf], standing: Mapping[UUID, Iterable[Turn]]) -> Mapping[UUID, list[Turn]]:
    """The turns that stand of these stories, from all those of their companies."""
    found: dict[UUID, list[Turn]] = {of.story_id: [] for of in told}
    for turns in standing.values():
        for turn in turns:
            if turn.story_id in found:
                found[turn.story_id].append(turn)
    return found


def _same(of: TurnsOf, before: Sequence[Turn]) -> int:
    """How many of its first turns mean what they meant."""
    if of.company_id != of.company_before:
        return 0
    pairs = enumerate(zip(before, of.turns, strict=False))
    return next((place for place, (was, now) in pairs if was != now), min(len(before), len(of.turns)))


def _wants(turns: Iterable[Turn]) -> bool:
    return any(turn.kind in WANTED for turn in turns)
