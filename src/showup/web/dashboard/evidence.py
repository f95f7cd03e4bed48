"""What speaks for and against "they came": a person, the video call, the clock; and the question that settles it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from showup.reads.agenda import AgendaMeeting, State
from showup.reads.booking_page import BookingMessage
from showup.reads.record_timeline import LoggedChange
from showup.web.dashboard.reports import REPORTED
from showup.web.dashboard.timeline_words import who_of
from showup.web.dashboard.words import Viewer, clipped, sentence

_CAME: Final = {True: "says showed", False: "says no-show", None: "says nothing"}
_REPORTED_STATES: Final = {"showed": "showed", "no_show": "noshow", "host_absent": "host", "rescheduled": "rescheduled"}
_SAMPLE: Final = "This is sample data: it counts in no rate, whatever you answer."
_VIDEO: Final = ("attendance.reported", "host.missed")


class Witness(Struct, frozen=True, kw_only=True):
    """One source: its mark, its name, what it says, a note, and since when; `weight` stands there without a time."""

    glyph: str
    name: str
    says: str
    note: str
    at: datetime | None = None
    weight: str = "–"


class Evidence(Struct, frozen=True, kw_only=True):
    """The card. `kind`: the meeting is ahead, asks for a report, was reported by a person, or will not take place."""

    kind: Literal["ahead", "ask", "reported", "off"]
    headline: str
    text: str
    sources: Sequence[Witness]


def evidence_of(  # each by its name
    meeting: AgendaMeeting,
    state: State,
    reports: Sequence[LoggedChange],
    messages: Sequence[BookingMessage],
    viewer: Viewer,
    reader: str,
    *,
    place: str,
) -> Evidence:
    """Return the card of a meeting. `reports`: about attendance, latest first; `reader`: who reads."""
    first_name = clipped(meeting.person.split(" ")[0])
    person = next(
        (one for one in reports if one.what in ("outcome.reported", "attendee.reported") and one.is_manual), None
    )
    sources = [
        _person(person, meeting, state, viewer, reader),
        _video(reports, place),
        _clock(reports, meeting, viewer),
    ]
    if state == "cancelled":
        word = "did not" if meeting.start_time <= viewer.now else "will not"
        return Evidence(kind="off", headline=f"This meeting {word} take place", text="", sources=())
    if meeting.start_time > viewer.now:
        headline = "Waits for your yes in Cal.com" if state == "pending" else f"{first_name} is expected"
        return Evidence(kind="ahead", headline=headline, text=_next_reminder(messages, viewer), sources=sources)
    if meeting.evidence == "reported" or meeting.outcome is not None or state in ("host", "noshow"):
        who = "Cal.com" if person is None else sentence(who_of(person, reader))
        at = person.at if person is not None else next((one.at for one in reports), None)
        when = "" if at is None else f" {viewer.relative(at)}".replace(" now", " just now")
        return Evidence(
            kind="reported", headline=_headline(state, first_name), text=f"{who} reported it{when}.", sources=sources
        )
    return Evidence(
        kind="ask",
        headline=f"Did {first_name} come?",
        text=_SAMPLE if meeting.simulated else "Until a person answers, this meeting is left out of your held rate.",
        sources=sources,
    )


def _headline(state: State, first_name: str) -> str:
    words = {
        "showed": f"{first_name} showed",
        "noshow": f"{first_name} did not come",
        "host": "The host was absent",
        "rescheduled": "Another time is coming",
    }
    return words.get(state, f"{first_name}: reported")


def _person(report: LoggedChange | None, meeting: AgendaMeeting, state: State, viewer: Viewer, reader: str) -> Witness:
    if report is None:
        note = f"from {viewer.moment(meeting.start_time)} on" if meeting.start_time > viewer.now else ""
        return Witness(glyph="unreported", name="A person", says="no report yet", note=note, weight="decides")
    outcome = meeting.outcome
    says = f"says {REPORTED[outcome]}" if outcome in REPORTED else "reported"
    glyph = _REPORTED_STATES.get(outcome or "", state)
    return Witness(glyph=glyph, name="A person", says=says, note=sentence(who_of(report, reader)), at=report.at)


def _video(reports: Sequence[LoggedChange], place: str) -> Witness:
    found = next((one for one in reports if one.what in _VIDEO), None)
    if found is None:
        note = "nobody was marked as missing" if place == "Cal Video" else f"{place}; only Cal Video tells who joined"
        return Witness(glyph="cancelled", name="The video call", says="no data", note=note if place != "–" else "")
    glyph = (
        "host"
        if found.what == "host.missed"
        else "noshow"
        if "no" in found.because.split() or "not" in found.because
        else "showed"
    )
    return Witness(
        glyph=glyph, name="The video call", says="was reported by Cal.com", note=clipped(found.because), at=found.at
    )


def _clock(reports: Sequence[LoggedChange], meeting: AgendaMeeting, viewer: Viewer) -> Witness:
    found = next((one for one in reports if one.what == "meeting.ended"), None)
    if found is not None:
        came = (found.change.get("attended") or [None, None])[1]
        glyph = "unreported" if came is None else "assumed" if came else "noshow"
        note = "“meeting ended”, sent by Cal.com at the scheduled end"
        return Witness(glyph=glyph, name="The clock", says=_CAME[came], note=note, at=found.at)
    if meeting.end_time > viewer.now:
        return Witness(glyph="upcoming", name="The clock", says=f"ends at {viewer.hour(meeting.end_time)}", note="")
    return Witness(glyph="cancelled", name="The clock", says="no data", note="Cal.com has not sent “meeting ended”")


def _next_reminder(messages: Sequence[BookingMessage], viewer: Viewer) -> str:
    """Return when the next reminder goes."""
    waiting = [one for one in messages if one.kind == "reminder" and one.state == "scheduled" and one.is_current]
    mails = [one for one in waiting if one.destination == "email"]
    if not mails:
        return "No reminder is planned."
    due = min(one.due_at for one in mails)
    return f"The next reminder goes {viewer.relative(due)}." if due > viewer.now else "A reminder is due now."
