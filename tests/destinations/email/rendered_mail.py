"""Shared by the tests of mails: a renderer at a fixed time, and an HTML reader."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from showup.destinations.contract import Meeting
from showup.destinations.email.destination import Mail
from showup.destinations.email.isolated_templates import IsolatedTemplates
from showup.destinations.email.letters.write import KINDS
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.email.samples import SAMPLE, sample_notification, with_series
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.templates import Templates
from showup.destinations.email.texts import AgendaItem, EventTypeTexts, TeamTexts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDERS = (SenderRule(address="team@seller.example"),)
AGENDA = (AgendaItem(text="How you work today", minutes=20), AgendaItem(text="Your questions"))
# Without an agenda, a reminder three days ahead has nothing to say.
TEXTS = TeamTexts(event_types=dict.fromkeys(("intro", "discovery", "demo"), EventTypeTexts(agenda=AGENDA)))


def renderer(folder: Path | None = None, **more: Any) -> TemplateMailRenderer:
    return TemplateMailRenderer(
        **{
            "templates": Templates() if folder is None else IsolatedTemplates(folder),
            "senders": SENDERS,
            "clock": lambda: NOW,
            "texts": TEXTS,
        }
        | more
    )


def meeting(**changes: Any) -> Meeting:
    """Returns the sample meeting with changes, and its series; `guest_…` changes its guest."""
    guest = {name.removeprefix("guest_"): changes.pop(name) for name in list(changes) if name.startswith("guest_")}
    changed = replace(SAMPLE, guest=replace(SAMPLE.guest, **guest), **changes)
    return changed if "series" in changes else with_series(changed)


def kinds_of_mail() -> tuple[str, ...]:
    """Returns every kind of mail; a reminder for each purpose."""
    return (*(kind for kind in KINDS if kind != "reminder"), "reminder_72h", "reminder_24h", "reminder_2h")


def mail(kind: str = "confirmation", **changes: Any) -> Mail:
    return renderer().render(sample_notification(kind, "default", meeting(**changes)))


class Page(HTMLParser):
    """The elements and the visible text of a mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def hours_style(self) -> str:
        """Returns the style of the meeting's time in the ticket; empty without a ticket."""
        found = [one["style"] or "" for tag, one in self.elements if (one.get("class") or "").startswith("hours")]
        return found[0] if found else ""

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for attributes in self.all("a")]
