"""How pages say what an event is, who sent it, its state, and what to do about it. Pure."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from showup.reads.rows import Item
from showup.web.dashboard.operations.delivery_words import StateWords
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.words import clipped, sentence

STATES: Final = {
    "pending": StateWords(words="To be applied", tone="info", icon="clock"),
    "applied": StateWords(words="Applied", tone="good", icon="check"),
    "ignored": StateWords(words="Ignored", tone="quiet"),
    "unreadable": StateWords(words="Unreadable", tone="bad", icon="x"),
    "waiting": StateWords(words="Waits for its booking", tone="warn", icon="clock"),
    "failed": StateWords(words="Failed, tried again", tone="bad", icon="x"),
    "duplicate": StateWords(words="Duplicate", tone="quiet"),
    "refused": StateWords(words="Refused", tone="line"),
    "erased": StateWords(words="Erased", tone="quiet"),
}
REPLAYABLE: Final = ("unreadable", "ignored", "failed")
_ORIGINS: Final = {
    "webhook": "webhook",
    "reconcile": "found by comparing",
    "backfill": "read from the past",
    "sample": "sample data",
    "simulation": "simulation",
}
_ADVICE: Final = {
    "unreadable": "Showup keeps it and changed nothing. If it came from Cal.com, remove the payload template of the"
    " webhook there; then replay it. If its shape is new, update Showup, then replay it.",
    "failed": "Showup tries again by itself, ever later, up to once an hour. Replay it to try at once.",
    "waiting": "It names a booking that has not arrived. Showup applies it by itself when that booking does.",
    "ignored": "It has nothing that Showup uses, so nothing is to be done.",
    "duplicate": "The same body arrived before and was handled then. Nothing is to be done.",
    "refused": "The rules refused it, and the person or program was told so at once. Nothing changed.",
    "pending": "Showup applies it within moments. If it stays so, check that `showup serve` or `showup work` runs.",
    "erased": "Its body was erased at a person's request. What it changed stays.",
}


class ListedEvent(Struct, frozen=True, kw_only=True):
    """An event as its row shows it. `who` sent it, `how` it came."""

    event: Item
    id: UUID
    name: str
    who: str
    how: str
    state: StateWords
    because: str


def listed_event(event: Item, names: Mapping[str, str], reader: str) -> ListedEvent:
    """Return the row of an event. `names` are teammates' by address, `reader` is the reader's name in the log."""
    is_explained = event["state"] not in ("applied", "pending") and event["because"]
    return ListedEvent(
        event=event,
        id=event["id"],
        name=event_name(event["trigger"]),
        who=who_sent(event, names, reader),
        how=_ORIGINS.get(event["origin"], ""),
        state=STATES[event["state"]],
        because=sentence(clipped(event["because"])) if is_explained else "",
    )


def event_name(trigger: str | None) -> str:
    """Return what happened, from the name that its source gives it: `BOOKING_CREATED` is `Booking created`."""
    return sentence(clipped(trigger).replace("_", " ").lower()) if trigger else "Not known"


def who_sent(event: Mapping[str, Any], names: Mapping[str, str], reader: str) -> str:
    """Return who sent it: a teammate's or a key's name, or a system and its account."""
    actor: str | None = event["actor"]
    if event["source"] != "manual" or actor is None:
        account = event["account"]
        return system_name(event["source"]) + (f" {clipped(account)}" if account and account != "default" else "")
    if actor == reader:
        return "You"
    kind, _, name = actor.partition(":")
    if kind == "key":
        return f"API key {clipped(name)}"
    return clipped(names.get(name, name) or "Showup") if kind == "teammate" else sentence(clipped(name or kind))


def advice_for(state: str) -> str | None:
    """Return what to do about an event in this state; None if it was applied."""
    return _ADVICE.get(state)
