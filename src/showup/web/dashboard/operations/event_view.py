"""An event as its page shows it: a headline, what it changed, its body, and what a replay would do. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.commands.dry_run import ChangedDelivery
from showup.commands.replay_trial import ReplayTrial
from showup.reads.event_effects import EventEffects
from showup.reads.record_timeline import LoggedChange
from showup.reads.rows import Item
from showup.web.dashboard.message_words import message_icon, message_name
from showup.web.dashboard.operations.event_words import REPLAYABLE, STATES, ListedEvent, advice_for, listed_event
from showup.web.dashboard.operations.masked import ShownText, show_body
from showup.web.dashboard.timeline_parts import Mark, Part, TimelineContext
from showup.web.dashboard.timeline_words import because_of, sentence_of
from showup.web.dashboard.words import clipped, count, sentence

_NOBODY: Final = UUID(int=0)


class EffectLine(Struct, frozen=True, kw_only=True):
    """Something that the event changed, or would change."""

    mark: Mark
    parts: Sequence[Part]
    because: str | None
    href: str | None


class EventView(Struct, frozen=True, kw_only=True):
    """`row` is what the list shows. `body` is None without the right to read it, and for bytes that are no text."""

    row: ListedEvent
    headline: str
    advice: str | None
    changed: Sequence[EffectLine]
    planned: Sequence[EffectLine]
    body: ShownText | None
    can_read_body: bool
    size: int
    headers: Sequence[tuple[str, str]]
    can_replay: bool


class ReplayView(Struct, frozen=True, kw_only=True):
    """What a replay would do: in a sentence, and line by line. `can_replay`: it would do something."""

    headline: str
    because: str
    lines: Sequence[EffectLine]
    can_replay: bool


def build_event(
    event: Item, effects: EventEffects, names: Mapping[str, str], context: TimelineContext, *, can_read_body: bool
) -> EventView:
    """Return the view; `names` are teammates' by address."""
    row = listed_event(event, names, context.actor)
    body = bytes(event["body"])
    changed = [_changed(entry, context) for entry in effects.entries]
    return EventView(
        row=row,
        headline=f"{row.name}, {_changes(len(changed))}" if event["state"] == "applied" else row.name,
        advice=advice_for(event["state"]),
        changed=changed,
        planned=[
            EffectLine(
                mark=Mark("icon", message_icon(one.kind, one.destination)),
                parts=[Part(_named(one.kind, one.destination), is_strong=True), *_to(one.recipient)],
                because=f"{one.state}, due {context.viewer.moment(one.due_at)}",
                href=f"deliveries/{one.id}",
            )
            for one in effects.deliveries
        ],
        body=show_body(body) if can_read_body else None,
        can_read_body=can_read_body,
        size=len(body),
        headers=_headers(event),
        can_replay=event["state"] in REPLAYABLE,
    )


def build_replay(trial: ReplayTrial, context: TimelineContext) -> ReplayView:
    """Return what a replay would do."""
    difference = trial.difference
    lines = [
        _changed(
            LoggedChange(
                at=context.viewer.now,
                what=one.what,
                because=one.because,
                actor="showup",
                actor_name=None,
                event_id=_NOBODY,
                change=one.change,
                booking_id=one.booking_id,
                deal_id=one.deal_id,
            ),
            context,
        )
        for one in difference.changes
    ] + [_delivery(one) for one in difference.deliveries]
    if trial.state is None:
        return ReplayView(
            headline="A replay would change nothing: its result is the same every time.",
            because="",
            lines=[],
            can_replay=False,
        )
    reason = sentence(clipped(trial.because)).rstrip(".") + "." if trial.because else ""
    return ReplayView(headline=_headline(trial, len(lines)), because=reason, lines=lines, can_replay=True)


def _headline(trial: ReplayTrial, number: int) -> str:
    number += trial.difference.omitted
    match trial.state:
        case "applied":
            return f"A replay would apply it, and {'change nothing' if not number else _changes(number, 'change')}."
        case "pending":
            return "A replay would let the routes of its account decide again which workspace it belongs to."
        case _:
            state = STATES[str(trial.state)].words.lower()
            return f"A replay would change nothing now: the event would be “{state}”."


def _changes(number: int, verb: str = "changed") -> str:
    return f"{verb} {count(number, 'thing')}" if number else f"{verb} nothing"


def _changed(entry: LoggedChange, context: TimelineContext) -> EffectLine:
    line = sentence_of(entry, None, context)
    deal = f"deals/{entry.deal_id}" if entry.deal_id is not None else None
    href = f"bookings/{entry.booking_id}" if entry.booking_id is not None else deal
    return EffectLine(mark=line.mark, parts=line.parts, because=because_of(entry, context), href=href)


def _delivery(one: ChangedDelivery) -> EffectLine:
    verb = {"scheduled": "Plans ", "withdrawn": "Withdraws ", "skipped": "Leaves out "}.get(one.after or "", "Changes ")
    parts = [Part(verb), Part(_named(one.kind, one.destination), is_strong=True), *_to(one.recipient)]
    return EffectLine(mark=Mark("icon", message_icon(one.kind, one.destination)), parts=parts, because=None, href=None)


def _named(kind: str, destination: str) -> str:
    name, detail = message_name(kind, destination)
    return f"{name}, {detail}" if detail else name


def _to(recipient: str | None) -> list[Part]:
    return [Part(f" to {clipped(recipient)}")] if recipient else []


def _headers(event: Item) -> list[tuple[str, str]]:
    found = {
        "Content-Type": event["content_type"],
        "X-Cal-Webhook-Version": event["webhook_version"],
        "X-Cal-Signature-256": "•••• (checked on arrival, not stored)" if event["origin"] == "webhook" else None,
        "From address": event["source_address"],
    }
    return [(name, clipped(value)) for name, value in found.items() if value]
