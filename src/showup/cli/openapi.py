"""Implements `showup openapi`: prints the description of the HTTP API."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from showup.cli.errors import CliError


def openapi(
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Fail if FILE differs from the document.")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the document to FILE.")] = None,
) -> None:
    """Print the OpenAPI document, write it to a file, or check a file against it.

    Example: showup openapi --write docs/openapi.json
    """
    from showup.web.app import openapi_document

    document = json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"
    if write is not None:
        _write(write, document)
    elif check is not None:
        _check(check, document)
    else:
        sys.stdout.write(document)


def _write(file: Path, document: str) -> None:
    try:
        file.write_text(document, encoding="utf-8")
    except OSError as fault:
        raise CliError(f"{file} can't be written ({fault.strerror}).") from None


def _check(file: Path, document: str) -> None:
    current = file.read_text(encoding="utf-8") if file.exists() else ""
    if current != document:
        raise CliError(f"{file} differs from this version's API. Run `showup openapi --write {file}`.")
