"""Renders an operator's own templates in a separate process, with limits on time, memory and size."""

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from showup.destinations.contract import CannotRender
from showup.destinations.email.settings import check_folder
from showup.destinations.email.template_process import CPU_SECONDS, Answer
from showup.destinations.email.templates import RenderedMail, TemplateQuery
from showup.isolation.worker import EndedUnexpectedly, IsolatedProcess, TooSlow

# After a template has reached the limit, its next mails fail at once, so that they don't hold up other mails.
_REFUSED_FOR: Final = 60.0
_TOO_SLOW: Final = f"took more than {CPU_SECONDS:g} s of processor time: simplify its loops"


class IsolatedTemplates:
    """Templates like `templates.Templates`, with the same errors; the process starts with the first mail.

    Raises CannotRender when the folder does not exist.
    """

    def __init__(self, folder: Path) -> None:
        check_folder(folder)
        self._worker = IsolatedProcess("showup.destinations.email.template_process", str(folder))
        self._refused_until: dict[TemplateQuery, float] = {}
        # Several threads render mails, and one that waits must see what the one before found out.
        self._lock = Lock()

    def render(self, query: TemplateQuery, variables: Mapping[str, object]) -> RenderedMail:
        """Renders the templates of one mail. Raises CannotRender."""
        with self._lock:
            return self._render(query, variables)

    def _render(self, query: TemplateQuery, variables: Mapping[str, object]) -> RenderedMail:
        name = query.names[0]
        if time.monotonic() < self._refused_until.get(query, 0):
            raise CannotRender(f"the templates of {name} {_TOO_SLOW}.")
        try:
            answer = msgspec.json.decode(self._worker.ask(query, variables), type=Answer)
        except TooSlow:
            self._refused_until[query] = time.monotonic() + _REFUSED_FOR
            raise CannotRender(f"the templates of {name} {_TOO_SLOW}.") from None
        except EndedUnexpectedly:
            raise CannotRender(f"{name}: the process that renders templates ended unexpectedly.") from None
        if answer.mail is None:
            raise CannotRender(answer.fault)
        return answer.mail
