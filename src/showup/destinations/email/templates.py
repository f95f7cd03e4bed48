"""Templates, built-in and a user's: which file is used, and the error text for a faulty one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

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
from msgspec import Struct

from showup.destinations.contract import CannotRender
from showup.destinations.email.html_text import text_of_html
from showup.destinations.email.letters.plain_text import as_text, foot_as_text
from showup.destinations.email.settings import check_folder

_BUILT_IN: Final = Path(__file__).with_name("templates")
# `{% extends "showup/mail.html" %}` uses the built-in template, also in a file that replaces it.
_PREFIX: Final = "showup"
# One built-in template shows every kind of letter.
_ANY_KIND: Final = "mail"
# Mail programs cut off much shorter mails.
_LONGEST_OUTPUT: Final = 500_000

# A block may have nothing to say.
_EMPTY_LINES: Final = re.compile(r"\n{3,}")

_Place = tuple[str, ...]


class TemplateQuery(Struct, frozen=True):
    """Which templates a mail uses: the slugs of its workspace and event type, its language, and its kind's names.

    `names` are those of the kind, the most exact first, such as `reminder_24h` and `reminder`.
    """

    names: tuple[str, ...]
    language: str
    workspace: str
    event_type: str | None = None


class RenderedMail(Struct, frozen=True):
    """The rendered templates of one mail."""

    subject: str
    html: str
    text: str


class Templates:
    """All templates, read once when this is created: later changes apply from the next start.

    Raises CannotRender when the folder does not exist.
    """

    def __init__(self, folder: Path | None = None) -> None:
        check_folder(folder)
        # Only existing folders can be named, so no slug can point outside them.
        self._folders = {} if folder is None else dict(_folders(folder))
        self._files = {path: frozenset(one.name for one in path.iterdir()) for path in self._folders.values()}
        self._environments: dict[tuple[Path, ...], Environment] = {}
        # Media queries stay, for narrow screens and dark mode; nothing is ever fetched.
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def render(self, query: TemplateQuery, variables: Mapping[str, object]) -> RenderedMail:
        """Renders the subject, the HTML with its styles inlined, and the text.

        A user's HTML without a text that is at least as exact gets a text made from it: both must say the same. Raises
        CannotRender with the file and line of a fault.
        """
        searched = self._searched(query)
        environment = self._environment(searched)
        subject, html, text = (self._find(searched, query, suffix) for suffix in (".subject.txt", ".html", ".txt"))
        shown = self._html(environment, html[1], variables)
        return RenderedMail(
            subject=self._render(environment, subject[1], variables),
            html=shown,
            text=text_of_html(shown)
            if html[0] < text[0]
            else _EMPTY_LINES.sub("\n\n", self._render(environment, text[1], variables)),
        )

    def _searched(self, query: TemplateQuery) -> tuple[Path, ...]:
        # The first match is used. A campaign's folders will be two more lines.
        places: tuple[_Place, ...] = ((query.workspace, query.event_type or ""), (query.workspace,), ())
        return tuple(self._folders[place] for place in places if place in self._folders)

    def _find(self, searched: tuple[Path, ...], query: TemplateQuery, suffix: str) -> tuple[int, str]:
        """Returns the name of the template, and its place in the order in which they are searched."""
        stems = [stem for name in (*query.names, _ANY_KIND) for stem in (f"{name}.{query.language}", name)]
        rank = 0
        for folder in searched:
            for stem in stems:
                if f"{stem}{suffix}" in self._files[folder]:
                    return rank, f"{stem}{suffix}"
                rank += 1
        return rank, f"{_ANY_KIND}{suffix}"

    def _html(self, environment: Environment, name: str, variables: Mapping[str, object]) -> str:
        try:
            return self._inliner.inline(self._render(environment, name, variables))
        except InlineError as fault:
            raise CannotRender(f"{name}: invalid CSS: {fault}") from fault

    def _render(self, environment: Environment, name: str, variables: Mapping[str, object]) -> str:
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

    def _environment(self, searched: tuple[Path, ...]) -> Environment:
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
    # An operator's templates are kept from Python's insides. Showup's own need no guard, and without it half the time.
    environment = (ImmutableSandboxedEnvironment if searched else Environment)(
        loader=ChoiceLoader([PrefixLoader({_PREFIX: built_in}), FileSystemLoader(searched), built_in]),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        # As many as there are files, so no file is compiled twice.
        cache_size=-1,
    )
    environment.filters |= {"as_text": as_text, "foot_as_text": foot_as_text}
    return environment
