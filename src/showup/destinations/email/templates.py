"""Templates, built-in and a user's: which file is used, the error text for a faulty one, and samples for a preview."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from css_inline import CSSInliner, InlineError
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from showup.destinations.contract import CalendarEntry, CannotRender, Guest, Meeting, Notification, SeriesDate
from showup.destinations.email.settings import check_folder

_BUILT_IN = Path(__file__).with_name("templates")
# `{% extends "showup/confirmation.html" %}` uses the built-in template, also in a file that replaces it.
_PREFIX = "showup"
# Mail programs cut off much shorter mails.
_LONGEST_OUTPUT = 500_000
KINDS = (
    *("confirmation", "series", "rescheduled", "cancelled", "reschedule_request", "new_host", "new_place", "reminder"),
    *("no_show", "calendar_cleanup"),
)
_START = datetime(2026, 3, 10, 8, 15, tzinfo=UTC)
_OLD_START = datetime(2026, 3, 9, 13, 0, tzinfo=UTC)
SAMPLE = Meeting(
    booking_id=UUID(int=1),
    version=1,
    status="ACCEPTED",
    title="Intro call between Ann Lee and Benjamin Crane",
    start_time=_START,
    end_time=_START + timedelta(minutes=30),
    guest=Guest(email="ann@acme.example", name="Ann Lee", time_zone="Europe/Berlin"),
    uid="sample",
    event_type="intro",
    event_type_title="Intro call",
    organizer_email="benjamin@seller.example",
    organizer_name="Benjamin Crane",
    organizer_time_zone="America/New_York",
    meeting_url="https://meet.example.com/intro-call",
    booker_url="https://book.seller.example",
    ical_uid="sample@Cal.com",
    ical_sequence=1,
    cancellation_reason="A conflict in the calendar",
    series=tuple(
        SeriesDate(
            booking_id=UUID(int=1 + week),
            status="ACCEPTED",
            start_time=_START + timedelta(weeks=week),
            end_time=_START + timedelta(weeks=week, minutes=30),
        )
        for week in range(3)
    ),
)


class Templates:
    """All templates, read once when this is created: later changes apply from the next start.

    Raises CannotRender when the folder does not exist.
    """

    def __init__(self, folder: Path | None = None) -> None:
        check_folder(folder)
        # Only existing folders can be named, so no slug can point outside them.
        self._folders = {} if folder is None else dict(_folders(folder))
        self._environments: dict[tuple[Path, ...], Environment] = {}
        # Media queries stay, for narrow screens and dark mode; nothing is ever fetched.
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def text(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Renders a text template. Raises CannotRender with the file and line of a fault."""
        environment = self._environment(workspace, event_type)
        try:
            return _joined(environment.get_template(name).generate(variables))
        except TemplateSyntaxError as fault:
            raise CannotRender(
                f"{self._display_name(fault.filename or fault.name or name)}, line {fault.lineno}: {fault.message}"
            ) from fault
        except TemplateNotFound as fault:
            raise CannotRender(f"{self._location(fault, name)}: template {fault.name} does not exist.") from fault
        except UnicodeDecodeError as fault:
            raise CannotRender(f"{name}, or a template that it uses, is not UTF-8: save it as UTF-8.") from fault
        except Exception as fault:
            raise CannotRender(f"{self._location(fault, name)}: {fault}") from fault

    def html(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Renders an HTML template, with its styles inlined in each element for mail programs."""
        try:
            return self._inliner.inline(self.text(name, workspace, event_type, variables))
        except InlineError as fault:
            raise CannotRender(f"{name}: invalid CSS: {fault}") from fault

    def _environment(self, workspace: str, event_type: str | None) -> Environment:
        # The first match is used. A campaign's folder will be one more line.
        places: tuple[tuple[str, ...], ...] = ((workspace, event_type or ""), (workspace,), ())
        searched = tuple(self._folders[place] for place in places if place in self._folders)
        if searched not in self._environments:
            self._environments[searched] = _environment(searched)
        return self._environments[searched]

    def _location(self, fault: Exception, name: str) -> str:
        """Returns the line of the template where the error occurred, if known."""
        found, trace = name, fault.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if not file.endswith(".py"):
                found = f"{self._display_name(file)}, line {trace.tb_lineno}"
            trace = trace.tb_next
        return found

    def _display_name(self, file: str) -> str:
        path, folder = Path(file), self._folders.get(())
        if folder is not None and path.is_relative_to(folder):
            return str(path.relative_to(folder.parent))
        return path.name


def _joined(pieces: Iterable[str]) -> str:
    """Joins the pieces of a text. Raises ValueError as soon as it is too long."""
    found, length = [], 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > _LONGEST_OUTPUT:
            raise ValueError(f"the rendered text is longer than {_LONGEST_OUTPUT:,} characters")
    return "".join(found)


def _folders(folder: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    yield (), folder
    for workspace in filter(Path.is_dir, folder.iterdir()):
        yield (workspace.name,), workspace
        for event_type in filter(Path.is_dir, workspace.iterdir()):
            yield (workspace.name, event_type.name), event_type


def _environment(searched: tuple[Path, ...]) -> Environment:
    built_in = FileSystemLoader(_BUILT_IN)
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([PrefixLoader({_PREFIX: built_in}), FileSystemLoader(searched), built_in]),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        # As many as there are files, so no file is compiled twice.
        cache_size=-1,
    )


def sample_notification(
    kind: str, workspace: str, meeting: Meeting = SAMPLE, *, old_start_time: datetime | None = _OLD_START
) -> Notification:
    """Returns a notification of this kind about a meeting; its details are sample data, except for the old time."""
    details: dict[str, dict[str, Any]] = {
        "reminder": {"before_seconds": 86400},
        "no_show": {"unsubscribe_url": "https://showup.example.com/unsubscribe/sample"},
    }
    if old_start_time is not None:
        details["rescheduled"] = {"old_start_time": f"{old_start_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    entries: tuple[CalendarEntry, ...] = ()
    if kind in ("cancelled", "reschedule_request", "calendar_cleanup"):
        current_uid = meeting.ical_uid or ""
        uid = f"old-{current_uid}" if kind == "calendar_cleanup" else current_uid
        entry = CalendarEntry(
            booking_id=meeting.booking_id,
            uid=uid,
            recipient=meeting.guest.email,
            method="REQUEST",
            sequence=0,
            organizer=meeting.shown_organizer_email or meeting.reply_to or "team@seller.example",
            start_time=meeting.start_time,
        )
        entries = (entry,)
        details["calendar_cleanup"] = {"entry": entry.digest}
    return Notification(
        delivery_id=UUID(int=2),
        workspace=workspace,
        kind=kind,
        meeting=meeting,
        details=details.get(kind, {}),
        sent_entries=entries,
    )
