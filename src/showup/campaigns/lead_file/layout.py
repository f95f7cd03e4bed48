"""Finds out how a file's text is divided: its separator, and the line of its header."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final, TextIO

from msgspec import Struct

from showup.campaigns.lead_file.columns import count_known
from showup.campaigns.lead_file.rows import Reason, Record

SEPARATORS: Final = (",", ";", "\t", "|")
MAX_LINE: Final = 1024 * 1024
"""A longer line, in characters, is rejected unread."""

_SAMPLE_RECORDS: Final = 50


class FileLayout(Struct, frozen=True, kw_only=True):
    """How the text of a file is divided. `header_line` counts from 1."""

    separator: str
    header_line: int


class _LineTooLong(Exception):
    pass


def detect_layout(sample: str, chosen: Mapping[str, str], separator: str | None = None) -> FileLayout:
    """Return the layout of a file that begins with this text; a person may have chosen columns and a separator.

    `csv.Sniffer` finds no separator in many exports. The names of the columns are the better evidence: the separator
    that yields most known names wins, then the one whose records have as many cells as the header.
    """
    lines = list(io.StringIO(sample, newline=""))
    first = next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)
    stated = lines[first - 1].strip().strip('"') if lines else ""
    if (stated[:4].lower() == "sep=" and len(stated) == 5) or stated.lower() == "sep=":
        return FileLayout(separator=separator or stated[4:] or "\t", header_line=first + 1)
    if separator is not None:
        return FileLayout(separator=separator, header_line=first)
    text = "".join(lines[first - 1 :])
    best = max(SEPARATORS, key=lambda one: _fit(text, one, chosen))
    return FileLayout(separator=best, header_line=first)


def read_records(file: TextIO, layout: FileLayout, after: int = 0) -> Iterator[Record]:
    """Yield the records that follow line `after`, which must end a record.

    A record that can't be parsed does not stop the file: the next line begins a new record.
    """
    lines = _lines(file)
    for _ in range(after):
        if _skip(lines):
            return
    reader = csv.reader(lines, delimiter=layout.separator, skipinitialspace=True)
    done = after
    while True:
        try:
            record: list[str] | Reason = next(reader)
        except StopIteration:
            return
        except _LineTooLong:
            # The reader has not seen the line that was too long, so it does not count it.
            after += 1
            record = "line_too_long"
        except csv.Error:
            record = "cell_too_long"
        end = after + reader.line_num
        yield record, done + 1, end
        done = end


def _fit(text: str, separator: str, chosen: Mapping[str, str]) -> tuple[int, float, int]:
    records: list[list[str]] = []
    with suppress(csv.Error):
        # The records before a broken one count.
        records.extend(islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), _SAMPLE_RECORDS))
    if not records:
        return 0, 0, 0
    width = len(records[0])
    filled = [record for record in records if record]
    same = sum(len(record) == width for record in filled) / len(filled) if width > 1 else 0.0
    return count_known(records[0], chosen), same, width


def _lines(file: TextIO) -> Iterator[str]:
    """Yield lines with their ends. Raises _LineTooLong in place of a line that is too long, and can then continue."""
    return _LimitedLines(file)


class _LimitedLines:
    def __init__(self, file: TextIO) -> None:
        self._read = file.readline

    def __iter__(self) -> "_LimitedLines":
        return self

    def __next__(self) -> str:
        line = self._read(MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            while (more := self._read(MAX_LINE)) and more[-1] not in "\r\n":
                pass
            raise _LineTooLong
        return line


def _skip(lines: Iterable[str]) -> bool:
    """Skip one line; return whether the file has ended."""
    try:
        return next(iter(lines), None) is None
    except _LineTooLong:
        return False
