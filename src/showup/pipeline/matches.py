"""Replays the matches between a booking's attendees and leads. They change nothing else about the booking."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.campaigns.match import Match, MatchState
from showup.events.booking import (
    AttendeeDismissed,
    DismissalUndone,
    LeadMatched,
    MatchEvent,
    MatchUndone,
    MatchWithdrawn,
)
from showup.events.envelope import BookingRecord
from showup.pipeline.change import AuditEntry

_UNDONE_REASON: Final = "a person undid this match, so it is not made again by itself"


class ReplayedMatches(Struct, kw_only=True):
    """The last state of each pair of attendee and lead; at most one lead of an attendee is `matched`.

    `ruled_out` are pairs that a person undid, `dismissed` are attendees whom nobody has to review. `refused`: by event,
    why it changed nothing.
    """

    pairs: dict[tuple[str, str], Match] = {}
    ruled_out: set[tuple[str, str]] = set()
    dismissed: set[str] = set()
    entries: list[AuditEntry] = []
    refused: dict[UUID, str] = {}

    @property
    def matches(self) -> list[Match]:
        """Return all matches, also those that are undone or withdrawn."""
        return list(self.pairs.values())


def is_match_event(record: BookingRecord) -> bool:
    """Return whether the event is about a match."""
    return isinstance(record.event, MatchEvent)


def replay_matches(records: Iterable[BookingRecord]) -> ReplayedMatches:
    """Replay these events, which are in source order.

    Once a person has undone a match, an automatic match of the same two counts for nothing, until a person links them.
    """
    replayed = ReplayedMatches()
    for record in records:
        event = record.event
        match event:
            case LeadMatched():
                _lead_matched(replayed, record, event)
            case MatchWithdrawn():
                _match_withdrawn(replayed, record, event)
            case MatchUndone():
                _match_undone(replayed, record, event)
            case AttendeeDismissed():
                replayed.dismissed.add(event.attendee)
                replayed.entries.append(_entry(record, "attendee.dismissed", f"no campaign brought {event.attendee}"))
            case DismissalUndone():
                replayed.dismissed.discard(event.attendee)
                replayed.entries.append(_entry(record, "dismissal.undone", f"{event.attendee} is to be reviewed"))
            case _:
                pass
    return replayed


def _lead_matched(replayed: ReplayedMatches, record: BookingRecord, event: LeadMatched) -> None:
    pair, pairs = (event.attendee, event.lead), replayed.pairs
    if pair in replayed.ruled_out and event.method != "manual":
        replayed.refused[record.event_id] = _UNDONE_REASON
        pairs.setdefault(pair, _match(record, event, "undone"))
        return
    replayed.ruled_out.discard(pair)
    for other, match in pairs.items():
        if other[0] == event.attendee and other != pair and match.state == "matched":
            pairs[other] = replace(match, state="withdrawn")
    pairs[pair] = _match(record, event, "matched")
    replayed.entries.append(_entry(record, "lead.matched", "; ".join(event.evidence.values()), event.lead))


def _match_withdrawn(replayed: ReplayedMatches, record: BookingRecord, event: MatchWithdrawn) -> None:
    known = replayed.pairs.get((event.attendee, event.lead))
    if known is not None and known.state == "matched":
        replayed.pairs[event.attendee, event.lead] = _changed(known, record, "withdrawn")
        replayed.entries.append(_entry(record, "match.withdrawn", "its evidence is gone", event.lead))


def _match_undone(replayed: ReplayedMatches, record: BookingRecord, event: MatchUndone) -> None:
    pair = (event.attendee, event.lead)
    replayed.ruled_out.add(pair)
    if pair in replayed.pairs:
        replayed.pairs[pair] = _changed(replayed.pairs[pair], record, "undone")
    replayed.entries.append(_entry(record, "match.undone", "undone manually", event.lead))


def _match(record: BookingRecord, event: LeadMatched, state: MatchState) -> Match:
    return Match(
        attendee=event.attendee,
        lead=event.lead,
        campaign_id=event.campaign_id,
        method=event.method,
        score=event.score,
        evidence=event.evidence,
        state=state,
        event_id=record.event_id,
        actor=record.actor,
        at=record.source_at,
    )


def _changed(match: Match, record: BookingRecord, state: MatchState) -> Match:
    return replace(match, state=state, event_id=record.event_id, actor=record.actor, at=record.source_at)


def _entry(record: BookingRecord, what: str, because: str, lead: str | None = None) -> AuditEntry:
    change = {} if lead is None else {"lead": [None, lead] if what == "lead.matched" else [lead, None]}
    return AuditEntry.of(record, what, because, change)
