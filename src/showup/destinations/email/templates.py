"""Templates, ours and a user's: which file is taken, and what is said about one that has a fault."""

from collections.abc import Iterator, Mapping
from pathlib import Path

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

from showup.destinations.contract import CannotRender
from showup.destinations.email.folder import check_folder

_OURS = Path(__file__).with_name("templates")
# `{% extends "showup/confirm.html" %}` takes ours, also in a file that replaces it.
_PREFIX = "showup"


class Templates:
    """All templates as they stand when this is made: what is changed later holds from the next start on.

    Raises CannotRender when the folder is not there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        check_folder(folder)
        # Only folders that were found can be named, so that no slug leads out of them.
        self._folders = {} if folder is None else dict(_folders(folder))
        self._environments: dict[tuple[Path, ...], Environment] = {}
        # Media queries stay, for narrow screens and dark ones; nothing is ever fetched.
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def text(self, name: str, workspace: str, event_type: str | None, said: Mapping[str, object]) -> str:
        """A template's words. Raises CannotRender with the file and line of a fault."""
        environment = self._environment(workspace, event_type)
        try:
            return environment.get_template(name).render(said)
        except TemplateSyntaxError as fault:
            raise CannotRender(
                f"{self._named(fault.filename or fault.name or name)}, line {fault.lineno}: {fault.message}"
            ) from fault
        except TemplateNotFound as fault:
            raise CannotRender(f"{self._place(fault, name)}: there is no template {fault.name}.") from fault
        except UnicodeDecodeError as fault:
            raise CannotRender(f"{name}, or what it is made of, is not UTF-8: save it as that.") from fault
        except Exception as fault:
            raise CannotRender(f"{self._place(fault, name)}: {fault}") from fault

    def html(self, name: str, workspace: str, event_type: str | None, said: Mapping[str, object]) -> str:
        """The same for HTML, with its styles where mail programs look for them: at each element."""
        try:
            return self._inliner.inline(self.text(name, workspace, event_type, said))
        except InlineError as fault:
            raise CannotRender(f"{name}: its styles can't be read: {fault}") from fault

    def _environment(self, workspace: str, event_type: str | None) -> Environment:
        # First found, first taken. A campaign's folder will be one more line.
        places: tuple[tuple[str, ...], ...] = ((workspace, event_type or ""), (workspace,), ())
        searched = tuple(self._folders[place] for place in places if place in self._folders)
        if searched not in self._environments:
            self._environments[searched] = _environment(searched)
        return self._environments[searched]

    def _place(self, fault: Exception, name: str) -> str:
        """The line of the template where it came to this, as far as that is known."""
        found, trace = name, fault.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if not file.endswith(".py"):
                found = f"{self._named(file)}, line {trace.tb_lineno}"
            trace = trace.tb_next
        return found

    def _named(self, file: str) -> str:
        path, folder = Path(file), self._folders.get(())
        if folder is not None and path.is_relative_to(folder):
            return str(path.relative_to(folder.parent))
        return path.name


def _folders(folder: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    yield (), folder
    for workspace in filter(Path.is_dir, folder.iterdir()):
        yield (workspace.name,), workspace
        for event_type in filter(Path.is_dir, workspace.iterdir()):
            yield (workspace.name, event_type.name), event_type


def _environment(searched: tuple[Path, ...]) -> Environment:
    ours = FileSystemLoader(_OURS)
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([PrefixLoader({_PREFIX: ours}), FileSystemLoader(searched), ours]),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        # As many as there are files: none is compiled twice.
        cache_size=-1,
    )
