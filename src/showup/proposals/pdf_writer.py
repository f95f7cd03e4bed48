"""Draws proposals as PDF files, and a picture of their first page, in a process with limits."""

import asyncio
import json
from importlib.resources import files
from typing import Any, Final

import msgspec

from showup.isolation.worker import EndedUnexpectedly, IsolatedProcess, TooSlow
from showup.proposals.document import Drawing
from showup.proposals.files_store import ProposalFile

MAX_BYTES: Final = 4 * 1024 * 1024
_WAIT: Final = 10.0
_MAX_WAITING: Final = 8
_MODULE: Final = "showup.proposals.pdf_process"


class CannotDraw(Exception):
    """The document can't be drawn; the text says why. `is_temporary`: it may be drawn in a moment."""

    def __init__(self, because: str, *, is_temporary: bool = False) -> None:
        super().__init__(because)
        self.is_temporary = is_temporary


class PdfWriter:
    """Draws one document at a time; the process starts with the first one. `template`: its source, for tests."""

    def __init__(self, template: str | None = None) -> None:
        path = template or str(files("showup.proposals").joinpath("page.typ"))
        self._worker = IsolatedProcess(_MODULE, path)
        self._slots = asyncio.Semaphore(_MAX_WAITING)

    async def draw(self, document: dict[str, Any], *, is_complete: bool) -> ProposalFile:
        """Returns the file, or with `is_complete` false its picture alone. Raises CannotDraw."""
        if self._slots.locked():
            raise CannotDraw("Other files are being made. Try again in a moment.", is_temporary=True)
        async with self._slots:
            try:
                async with asyncio.timeout(_WAIT):
                    return await asyncio.to_thread(self._draw, json.dumps(document), is_complete, "logo" in document)
            except TimeoutError:
                raise CannotDraw("The PDF took too long to make. Try again in a moment.", is_temporary=True) from None

    def _draw(self, document: str, is_complete: bool, has_logo: bool) -> ProposalFile:  # as the process takes it
        try:
            drawn = msgspec.msgpack.decode(self._worker.ask(document, is_complete, has_logo), type=Drawing)
        except TooSlow:
            raise CannotDraw("The document takes too long to draw. Shorten its texts.") from None
        except EndedUnexpectedly:
            raise CannotDraw(
                "The process that makes PDF files ended unexpectedly. Try again in a moment.", is_temporary=True
            ) from None
        if drawn.fault:
            raise CannotDraw(f"The PDF can't be made: {drawn.fault}")
        if len(drawn.pdf) + len(drawn.picture) > MAX_BYTES:
            raise CannotDraw("The PDF is too large. Shorten its texts.")
        return ProposalFile(pdf=drawn.pdf, picture=drawn.picture, pages=drawn.pages)
