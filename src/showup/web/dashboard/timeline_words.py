"""What a line of the audit log says in a timeline: its mark, its sentence, and because."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from showup.reads.agenda import State
from showup.reads.record_timeline import ASSISTANT_PREFIX, LoggedChange
from showup.web.dashboard.timeline_parts import Mark, MeetingNames, Part, TimelineContext
from showup.web.dashboard.words import Viewer, clipped, count, money, sentence

_STATES: Final[dict[str, State]] = {
    "showed": "showed",
    "no_show": "noshow",
    "host_absent": "host",
    "rescheduled": "rescheduled",
}
# Reasons that only say that somebody did it.
_MANUAL_REASONS: Final = ("changed manually", "undone manually", "entered manually", "it is done")
# What lines say whose sentence needs no value: icon, strong words, further words.
_PLAIN: Final[dict[str, tuple[str, str, str]]] = {
    "booking.requested": ("booking", "Requested", " a meeting"),
    "booking.paid": ("booking", "Paid", ""),
    "booking.relocated": ("globe", "New place", ""),
    "booking.corrected": ("info", "Corrected", " by newer data of Cal.com"),
    "booking.reschedule_requested": ("moved", "Asked for another time", ""),
    "booking.seat_taken": ("person", "Seat taken", ""),
    "booking.seat_given_back": ("person", "Seat given back", ""),
    "booking.attached": ("deal", "Moved to another deal", ""),
    "booking.assigned": ("company", "Company", " assigned"),
    "booking.conflict": ("alert", "Older news contradicts", " what a person did. What they did stands"),
    "attendance.reported": ("video", "Attendance", " reported by Cal.com"),
    "attendee.confirmed": ("check", "Said yes", ""),
    "attendee.own_side": ("person", "One of us", " is among the attendees"),
    "attendee.dismissed": ("unmatched", "No campaign", " brought them"),
    "dismissal.undone": ("unmatched", "To be matched", " again"),
    "invite.declined": ("x", "Calendar invitation declined", ""),
    "assignment.disputed": ("alert", "Wrong host", " reported"),
    "recording.ready": ("video", "Recording", " is ready"),
    "transcript.ready": ("file", "Transcript", " is ready"),
    "deal.opened": ("deal", "Deal opened", ""),
    "deal.joined": ("deal", "Another meeting", " joined the deal"),
    "deal.kept": ("deal", "Deal stays", " as it is"),
    "deal.none": ("deal", "No deal", ""),
    "deal.meeting_cancelled": ("alert", "Meeting cancelled", ": decide what becomes of the deal"),
    "deal.conflict": ("alert", "Older news contradicts", " what a person did. What they did stands"),
    "deal.reopened": ("undo", "Deal reopened", ""),
    "deal.cancelled": ("x", "Deal cancelled", ""),
    "match.withdrawn": ("unmatched", "Match withdrawn", ""),
}


_WITH_REASON: Final = ("booking.rescheduled", "booking.cancelled")
_RESCHEDULED: Final = "the meeting was rescheduled "


class LineText(Struct, frozen=True, kw_only=True):
    """The sentence of a line."""

    mark: Mark
    parts: Sequence[Part]
    badge: State | None = None
    quote: str | None = None


def sentence_of(entry: LoggedChange, meeting: MeetingNames | None, context: TimelineContext) -> LineText:
    """Return what the entry says."""
    found = _SENTENCES.get(entry.what)
    if found is not None:
        return found(entry, meeting, context)
    words = sentence(entry.what.replace(".", " ").replace("_", " "))
    icon, strong, more = _PLAIN.get(entry.what, ("info", words, ""))
    return _line(icon, Part(strong, is_strong=True), Part(more))


def because_of(entry: LoggedChange, context: TimelineContext) -> str | None:
    """Return who did it or why, as it ends a thought."""
    if entry.what == "meeting.ended" and "assumed" in entry.because:
        return "because Cal.com sent “meeting ended”"
    if entry.what in _WITH_REASON and not entry.is_manual:
        who, _ = _reason_of(entry)
        by = who.removeprefix(_RESCHEDULED)
        return f"because {who}" if by == who else f"{by}, in Cal.com"
    if not entry.is_manual:
        is_statement = entry.what in ("attendee.confirmed", "attendee.reported")
        return entry.because if is_statement else f"because {entry.because}" if entry.because else None
    who = who_of(entry, context.actor)
    if entry.what in ("outcome.reported", "attendee.reported"):
        return f"reported by {who}{_after_end(entry, context)}"
    if entry.because in _MANUAL_REASONS or entry.what == "deal.lost":
        return f"by {who}"
    return f"by {who}, because {entry.because}"


def who_of(entry: LoggedChange, reader: str) -> str:
    """Return who did it: `you`, a teammate's name, or the name of a key; `reader` is the reader's name in the log."""
    if entry.is_of_assistant:
        whose = entry.actor.removeprefix(ASSISTANT_PREFIX)
        return "your assistant" if whose == reader else f"the assistant of {clipped(whose.partition(':')[2] or whose)}"
    if entry.actor == reader:
        return "you"
    kind, _, name = entry.actor.partition(":")
    if kind == "key":
        return f"the API key {clipped(name)}"
    return clipped(entry.actor_name or name or entry.actor)


def _line(icon: str, *parts: Part) -> LineText:
    return LineText(mark=Mark("icon", icon), parts=[one for one in parts if one.text])


def _meeting_parts(meeting: MeetingNames | None) -> list[Part]:
    if meeting is None:
        return []
    return [Part(" "), Part(clipped(meeting.kind), href=meeting.href), Part(f" with {clipped(meeting.person)}")]


def _ahead(entry: LoggedChange, viewer: Viewer) -> list[Part]:
    start = _time(entry.change, "start_time")
    if start is None or start <= entry.at:
        return []
    days = (viewer.local(start).date() - viewer.local(entry.at).date()).days
    return [Part(", for the same day" if days == 0 else f", {count(days, 'day')} ahead")]


def _after_end(entry: LoggedChange, context: TimelineContext) -> str:
    meeting = context.meeting(entry.booking_id)
    if meeting is None or entry.at < meeting.end_time:
        return ""
    minutes = int((entry.at - meeting.end_time).total_seconds() // 60)
    return f" {minutes} min after it ended" if minutes < 60 else ""  # later, its time says enough


def _times(change: dict[str, Any], viewer: Viewer) -> str:
    before, after = (_moment((change.get("start_time") or [None, None])[side], viewer) for side in (0, 1))
    return f"{before} → {after}" if before and after else after or "to another time"


def _moment(text: str | None, viewer: Viewer) -> str | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return f"{viewer.day(at)} {viewer.hour(at)}"


def _reason_of(entry: LoggedChange) -> tuple[str, str | None]:
    """Return who moved or cancelled a meeting, and the reason that they gave, which stands behind a colon."""
    who, _, reason = entry.because.partition(": ")
    return who, reason or None


def _time(change: dict[str, Any], name: str) -> datetime | None:
    value = (change.get(name) or [None, None])[1]
    return None if value is None else datetime.fromisoformat(value)


def _text(change: dict[str, Any], name: str) -> str | None:
    value = (change.get(name) or [None, None])[1]
    return None if not value else str(value)


def _booked(entry: LoggedChange, meeting: MeetingNames | None, context: TimelineContext) -> LineText:
    ahead = _ahead(entry, context.viewer)
    return _line("booking", Part("Booked", is_strong=True), *_meeting_parts(meeting), *ahead)


def _rescheduled(entry: LoggedChange, _meeting: MeetingNames | None, context: TimelineContext) -> LineText:
    parts = [Part("Moved "), Part(_times(entry.change, context.viewer), is_strong=True)]
    _, reason = _reason_of(entry)
    return LineText(mark=Mark("icon", "moved"), parts=parts, quote=reason)


def _called_off(entry: LoggedChange, meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    word = "Cancelled" if entry.what == "booking.cancelled" else "Declined"
    parts = [Part(word, is_strong=True), *_meeting_parts(meeting)]
    _, reason = _reason_of(entry)
    quote = reason or _text(entry.change, "cancellation_reason")
    return LineText(mark=Mark("glyph", "cancelled"), parts=parts, quote=quote)


def _hosted(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    host = _text(entry.change, "organizer_name") or _text(entry.change, "organizer_email") or "another host"
    return _line("person", Part("Hosted by "), Part(clipped(host), is_strong=True))


def _started(_entry: LoggedChange, meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    return _line("clock", Part("Started", is_strong=True), *_meeting_parts(meeting))


def _ended(entry: LoggedChange, meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    came = (entry.change.get("attended") or [None, None])[1]
    if came is None:
        return LineText(
            mark=Mark("glyph", "unreported"), parts=[Part("Ended", is_strong=True), *_meeting_parts(meeting)]
        )
    words = "assumed to have been held" if came else "nobody came"
    parts = [Part("Ended, "), Part(words, is_strong=True)]
    return LineText(mark=Mark("glyph", "assumed" if came else "noshow"), parts=parts)


def _reported(entry: LoggedChange, meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    outcome = (entry.change.get("outcome") or [None, None])[1]
    quote, step = _text(entry.change, "outcome_notes"), _text(entry.change, "next_step")
    more = [Part(f" · next step: {clipped(step)}")] if step else []
    if outcome is None:
        return LineText(mark=Mark("icon", "note"), parts=[Part("Report changed", is_strong=True), *more], quote=quote)
    state = _STATES.get(str(outcome), "showed")
    parts = [Part("Meeting", is_strong=True)]
    if meeting is not None:
        length = f", {meeting.minutes} min" if meeting.minutes and outcome == "showed" else ""
        kind = Part(clipped(meeting.kind), is_strong=True, href=meeting.href)
        parts = [kind, Part(f" with {clipped(meeting.person)}{length}")]
    return LineText(mark=Mark("glyph", state), parts=[*parts, *more], badge=state, quote=quote)


def _attendee(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    glyph = "unreported" if "known" in entry.because else "noshow" if "did not" in entry.because else "showed"
    return LineText(mark=Mark("glyph", glyph), parts=[Part(sentence(entry.because))])


def _host_missed(_entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    return LineText(mark=Mark("glyph", "host"), parts=[Part("Host absent", is_strong=True)])


def _next_step(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    step = _text(entry.change, "next_step")
    if step is None:
        return _line("check", Part("Next step done", is_strong=True))
    return _line("flag", Part("Next step: "), Part(clipped(step), is_strong=True))


def _lead(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    is_match = entry.what == "lead.matched"
    lead = str((entry.change.get("lead") or ["", ""])[1 if is_match else 0] or "")
    words = "Matched the lead " if is_match else "Not the lead "
    return _line("mail" if is_match else "unmatched", Part(words), Part(clipped(lead), is_strong=True))


def _moved(entry: LoggedChange, _meeting: MeetingNames | None, context: TimelineContext) -> LineText:
    before, after = entry.change.get("stage") or ("", "")
    words = f"{sentence(clipped(str(before)))} → {sentence(clipped(str(after)))}"
    mark = Mark("ring", share=context.share(str(after)))
    return LineText(mark=mark, parts=[Part("Moved "), Part(words, is_strong=True)])


def _won(_entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    return LineText(mark=Mark("ring", "won", share=1.0), parts=[Part("Won", is_strong=True)])


def _lost(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    return LineText(mark=Mark("icon", "x"), parts=[Part("Lost", is_strong=True)], quote=entry.because)


def _changed(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    """Say what changed of a deal besides its stage and status."""
    change = entry.change
    if "amount" in change or "currency" in change:
        pairs = (change.get(name) or [None, None] for name in ("amount", "currency"))
        (amount, amount_after), (currency, currency_after) = pairs
        before = None if amount is None else money(Decimal(str(amount)), currency or currency_after)
        after = "–" if amount_after is None else money(Decimal(str(amount_after)), currency_after or currency)
        return _line("deal", Part("Amount "), Part(f"{before} → {after}" if before else after, is_strong=True))
    if "owner_email" in change:
        old, new = (clipped(str(one or "nobody")) for one in change["owner_email"])
        return _line("person", Part("Owner "), Part(f"{old} → {new}", is_strong=True))
    return _line("deal", Part("Changed", is_strong=True))


def _proposal(entry: LoggedChange, _meeting: MeetingNames | None, _context: TimelineContext) -> LineText:
    """Say what became of a proposal, with its amount."""
    number, amount, currency = (_text(entry.change, name) for name in ("number", "amount", "currency"))
    name = Part(f"Proposal {number}", is_strong=True, href=f"proposals/{_text(entry.change, 'proposal')}")
    word = _PROPOSAL_WORDS[entry.what]
    total = [] if amount is None else [Part(", "), Part(money(Decimal(amount), currency), is_strong=True)]
    icon = {"proposal.accepted": "check", "proposal.declined": "x"}.get(entry.what, "file")
    return _line(icon, name, Part(f" {word}"), *total)


_PROPOSAL_WORDS: Final = {
    "proposal.saved": "saved as a draft",
    "proposal.requested": "made, with its PDF",
    "proposal.sent": "sent",
    "proposal.accepted": "accepted",
    "proposal.declined": "declined",
}
_SENTENCES: Final[dict[str, Callable[[LoggedChange, MeetingNames | None, TimelineContext], LineText]]] = {
    "booking.made": _booked,
    "booking.accepted": _booked,
    "booking.rescheduled": _rescheduled,
    "booking.cancelled": _called_off,
    "booking.rejected": _called_off,
    "booking.reassigned": _hosted,
    "meeting.started": _started,
    "meeting.ended": _ended,
    "outcome.reported": _reported,
    "attendee.reported": _attendee,
    "host.missed": _host_missed,
    "next_step.changed": _next_step,
    "lead.matched": _lead,
    "match.undone": _lead,
    "deal.moved": _moved,
    "deal.won": _won,
    "deal.lost": _lost,
    "deal.changed": _changed,
    "deal.reassigned": _changed,
    **dict.fromkeys(_PROPOSAL_WORDS, _proposal),
}
