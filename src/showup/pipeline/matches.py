"""Replays the matches between a booking's attendees and leads. They change nothing else about the booking."""

from collections.abc import Iterable
from typing import Final, assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.campaigns.match import Match, MatchState
from showup.events.booking import LeadMatched, MatchEvent, MatchUndone, MatchWithdrawn
from showup.events.envelope import BookingRecord
from showup.pipeline.change import AuditEntry

_UNDONE_REASON: Final = "a person undid this match, so it is not made again by itself"


class ReplayedMatches(Struct, frozen=True, kw_only=True):
    """The last state of each pair of attendee and lead; at most one lead of an attendee is `matched`.

    `refused`: by event, why it changed nothing.
    """

    matches: list[Match]
    entries: list[AuditEntry]
    refused: dict[UUID, str]


def is_match_event(record: BookingRecord) -> bool:
    """Return whether the event is about a match."""
    return isinstance(record.event, MatchEvent)


def replay_matches(records: Iterable[BookingRecord]) -> ReplayedMatches:
    """Replay these events, which are in source order.

    Once a person has undone a match, an automatic match of the same two counts for nothing, until a person links them.
    """
    pairs: dict[tuple[str, str], Match] = {}
    undone: set[tuple[str, str]] = set()
    entries: list[AuditEntry] = []
    refused: dict[UUID, str] = {}
    for record in records:
        event = record.event
        assert isinstance(event, MatchEvent), "the caller selects these events"
        pair = (event.attendee, event.lead)
        match event:
            case LeadMatched():
                if pair in undone and event.method != "manual":
                    refused[record.event_id] = _UNDONE_REASON
                    pairs.setdefault(pair, _match(record, event, "undone"))
                    continue
                undone.discard(pair)
                _withdraw_others(pairs, pair)
                pairs[pair] = _match(record, event, "matched")
                entries.append(_entry(record, "lead.matched", "; ".join(event.evidence.values()), event.lead))
            case MatchWithdrawn():
                if pair in pairs and pairs[pair].state == "matched":
                    pairs[pair] = _changed(pairs[pair], record, "withdrawn")
                    entries.append(_entry(record, "match.withdrawn", "its evidence is gone", event.lead))
            case MatchUndone():
                undone.add(pair)
                if pair in pairs:
                    pairs[pair] = _changed(pairs[pair], record, "undone")
                entries.append(_entry(record, "match.undone", "undone manually", event.lead))
            case _ as unreachable:
                assert_never(unreachable)
    return ReplayedMatches(matches=list(pairs.values()), entries=entries, refused=refused)


def _withdraw_others(pairs: dict[tuple[str, str], Match], pair: tuple[str, str]) -> None:
    for other, match in pairs.items():
        if other[0] == pair[0] and other != pair and match.state == "matched":
            pairs[other] = replace(match, state="withdrawn")


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


def _entry(record: BookingRecord, what: str, because: str, lead: str) -> AuditEntry:
    change = {"lead": [None, lead] if what == "lead.matched" else [lead, None]}
    return AuditEntry(
        event_id=record.event_id,
        at=record.source_at,
        order_key=record.order_key,
        actor=record.actor,
        what=what,
        because=because,
        change=change,
    )
