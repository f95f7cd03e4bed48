"""The timeline of a deal or a booking as values for its template: a mark, a sentence, because, and times."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.reads.agenda import State
from showup.reads.record_timeline import LoggedChange, RecordTimeline, SentMessage
from showup.web.dashboard.message_words import lead_words, message_icon, message_name, names_of
from showup.web.dashboard.timeline_parts import Mark, MeetingNames, Part, TimelineContext
from showup.web.dashboard.timeline_words import because_of, sentence_of
from showup.web.dashboard.words import Viewer, clipped, their_hour

LINES: Final = 30
MOST_LINES: Final = 600
# Beside these, the time of day where the attendee is says something.
_BY_ATTENDEES: Final = ("booking.", "meeting.", "attendee.confirmed", "invite.")


class TimelineLine(Struct, frozen=True, kw_only=True):
    """One line. `their`: the attendee's time of day, as `08:30 for Lisa`. `undo`: the event that can be taken back.

    `approval`: the change of an assistant that can be undone.
    """

    at: datetime
    mark: Mark
    parts: Sequence[Part]
    when: str
    badge: State | None = None
    because: str | None = None
    quote: str | None = None
    their: str | None = None
    undo: UUID | None = None
    approval: UUID | None = None
    is_fault: bool = False


class TimelineView(Struct, frozen=True, kw_only=True):
    """The lines that are shown, latest first. `earlier`: how many lines to ask for to see more; None: these are all."""

    shown: str
    lines: Sequence[TimelineLine]
    earlier: int | None


def build_timeline(timeline: RecordTimeline, context: TimelineContext, *, shown: str, limit: int) -> TimelineView:
    """Return the latest `limit` lines. Changes of one event are one line, and so are messages of one kind in a row.

    `timeline` has more than `limit` entries or messages if there are more.
    """
    changes = [_of_event(list(one), context) for _, one in groupby(timeline.entries, key=lambda entry: entry.event_id)]
    dated: list[TimelineLine | SentMessage] = [*changes, *timeline.messages]
    # Where one of the two ends early, the other one would show a past with gaps.
    cut = [some[-1].at for some in (timeline.entries, timeline.messages) if len(some) > limit]
    dated = sorted((one for one in dated if not cut or one.at >= max(cut)), key=lambda one: one.at, reverse=True)
    lines: list[TimelineLine] = []
    for key, group in groupby(dated, key=_run_key):
        run = list(group)
        if key is None:
            lines += [one for one in run if isinstance(one, TimelineLine)]
        else:
            lines.append(_of_messages([one for one in run if isinstance(one, SentMessage)], context))
    earlier = limit + LINES if (cut or len(lines) > limit) and limit < MOST_LINES else None
    return TimelineView(shown=shown, lines=lines[:limit], earlier=earlier)


def _run_key(one: TimelineLine | SentMessage) -> tuple[str, str, str, UUID | None] | None:
    """Return what messages of one run have in common; None for a change, which stands alone."""
    return None if isinstance(one, TimelineLine) else (one.kind, one.destination, one.state, one.booking_id)


def _of_event(entries: list[LoggedChange], context: TimelineContext) -> TimelineLine:
    """Return the line of one event: its first entry is the sentence, and what else it changed stands behind it."""
    # A meeting causes the deal's change, so it is the sentence.
    entries.sort(key=lambda one: one.deal_id is not None)
    first, others = entries[0], entries[1:]
    meeting = context.meeting(first.booking_id)
    line = sentence_of(first, meeting, context)
    opened = next((one for one in others if one.what == "deal.opened" and not first.is_manual), None)
    more = [words for other in others if other is not opened and (words := _also(other))]
    reason = because_of(opened or first, context)
    parts = [*line.parts, Part(", deal opened")] if opened else line.parts
    because = " · ".join(one for one in (reason, *more) if one) or None
    return TimelineLine(
        at=first.at,
        mark=line.mark,
        parts=parts,
        when=_when(context.viewer, first.at),
        badge=line.badge,
        because=because,
        quote=line.quote,
        their=_their(context.viewer, first.at, meeting) if first.what.startswith(_BY_ATTENDEES) else None,
        undo=first.event_id if first.event_id == context.undoable else None,
        approval=context.approvals.get(first.event_id),
    )


def _also(entry: LoggedChange) -> str:
    stage = entry.change.get("stage")
    match entry.what:
        case "deal.moved" if stage:
            return f"deal moved {str(stage[0]).capitalize()} → {str(stage[1]).capitalize()}"
        case "deal.joined":
            return "joined the deal"
        case "deal.cancelled" | "deal.reopened" | "deal.reassigned" | "deal.kept":
            return entry.what.replace(".", " ")
        case "deal.meeting_cancelled":
            return "the deal stays: decide what becomes of it"
        case _:
            return entry.because


def _of_messages(messages: list[SentMessage], context: TimelineContext) -> TimelineLine:
    """Return one line for messages of one kind in a row, latest first."""
    newest = messages[0]
    meeting = context.meeting(newest.booking_id)
    name, detail = message_name(newest.kind, newest.destination)
    recipients = list(dict.fromkeys(clipped(one.recipient_name or one.recipient or "") for one in messages))
    to = names_of([one for one in recipients if one])
    befores = list(dict.fromkeys(one.before_seconds for one in messages if one.before_seconds))
    parts = [Part(name, is_strong=True)]
    if len(befores) > 1:
        parts = [Part(f"{len(messages)} reminders", is_strong=True)]
        detail = f"{names_of([lead_words(one) for one in sorted(befores, reverse=True)], most=4)} before"
    elif befores and newest.kind == "reminder" and not detail:
        parts = [Part(f"{name}, {lead_words(befores[0])} before", is_strong=True)]
    elif len(messages) > 1 and not to:
        parts.append(Part(f" {len(messages)} times"))
    state = {"delivered": "delivered", "previewed": "in the mail preview, not sent", "failed": "failed"}[newest.state]
    to_words = f" {'to' if newest.state == 'delivered' else 'for'} {to}" if to else ""
    parts.append(Part(f" {state}{to_words}"))
    reason = newest.because if newest.state == "failed" else None
    return TimelineLine(
        at=newest.at,
        mark=Mark("icon", message_icon(newest.kind, newest.destination)),
        parts=parts,
        when=_when(context.viewer, newest.at),
        because=" · ".join(one for one in (detail, reason) if one) or None,
        their=_their(context.viewer, newest.at, meeting) if to else None,
        is_fault=newest.state == "failed",
    )


def _when(viewer: Viewer, at: datetime) -> str:
    day = viewer.day(at)
    return f"{day} {viewer.hour(at)}"


def _their(viewer: Viewer, at: datetime, meeting: MeetingNames | None) -> str | None:
    if meeting is None:
        return None
    hour = their_hour(viewer, at, meeting.time_zone)
    return None if hour is None else f"{hour} for {clipped(meeting.person.split(' ')[0])}"
