"""The process that renders an operator's own templates, so that a template can exhaust only this process.

Started by `isolated_templates` as `python -m … FILE-DESCRIPTOR FOLDER`; ends when its parent closes the connection.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from showup.destinations.contract import CannotRender
from showup.destinations.email.templates import RenderedMail, TemplateQuery, Templates
from showup.isolation.serve import limit_memory, serve

CPU_SECONDS: Final = 2.0
"""The processor time that the templates of one mail may take; usual ones take milliseconds."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one request: the mail, or why it can't be rendered."""

    mail: RenderedMail | None = None
    fault: str = ""


def main(descriptor: str, folder: str) -> None:
    """Answers requests until the parent ends."""
    limit_memory()
    templates = Templates(Path(folder))

    def render(query: TemplateQuery, variables: Mapping[str, Any]) -> bytes:
        try:
            answer = Answer(mail=templates.render(query, variables))
        except CannotRender as fault:
            answer = Answer(fault=str(fault))
        return msgspec.json.encode(answer)

    serve(descriptor, render, cpu_seconds=CPU_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
