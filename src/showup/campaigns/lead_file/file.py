"""One file of leads: its digest, its format, its mapping, and its rows in order."""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from showup.campaigns.lead_file.charset import (
    SAMPLE_BYTES,
    Utf8Check,
    chosen_encoding,
    detect_encoding,
    is_encoding,
)
from showup.campaigns.lead_file.columns import MAX_COLUMNS, ColumnMapping, map_columns
from showup.campaigns.lead_file.layout import FileLayout, detect_layout, read_records
from showup.campaigns.lead_file.rows import FileRow, read_rows

_BLOCK_BYTES: Final = 1024 * 1024
# Of the files that people take for CSV, by their first bytes.
_OTHER_FILES: Final = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF"),
)
_HALVES: Final = re.compile("[\ud800-\udfff]")


class UnusableFile(ValueError):
    """No lead can be read from the file; the text says why and what to do."""


class NoEmailColumn(UnusableFile):
    """No column is known to contain addresses. `header` has the names of the file's columns."""

    def __init__(self, because: str, header: Sequence[str]) -> None:
        super().__init__(because)
        self.header = header


class ReadingOptions(Struct, frozen=True, kw_only=True):
    """What a person says about a file; what they don't say is detected. `columns` maps names of columns to fields."""

    columns: Mapping[str, str] = {}
    encoding: str | None = None
    separator: str | None = None


class LeadFile(Struct, frozen=True, kw_only=True):
    """A readable file of leads. `digest` is the SHA-256 of its bytes."""

    path: Path
    digest: bytes
    size: int
    encoding: str
    layout: FileLayout
    mapping: ColumnMapping

    def rows(self, after: int = 0) -> Iterator[FileRow]:
        """Yield the rows behind line `after`, or all rows of the file. Reads the file as it goes."""
        with self.path.open(encoding=self.encoding, errors=_errors(self.encoding), newline="") as text:
            records = read_records(text, self.layout, max(after, 0))
            if after < self.layout.header_line:
                records = (record for record in records if record[1] > self.layout.header_line)
            yield from read_rows(records, self.mapping)

    def first_rows(self, count: int) -> list[FileRow]:
        """Return the first rows."""
        return list(islice(self.rows(), count))


def open_lead_file(path: Path, options: ReadingOptions) -> LeadFile:
    """Read the whole file once for its digest and its encoding, and its head for its format. Raises UnusableFile."""
    digest, utf8, size = hashlib.sha256(), Utf8Check(), 0
    head = b""
    with path.open("rb") as file:
        while part := file.read(_BLOCK_BYTES):
            head = head or part[:SAMPLE_BYTES]
            digest.update(part)
            utf8.add(part)
            size += len(part)
    _check_kind(head)
    if options.encoding is not None and not is_encoding(options.encoding):
        raise UnusableFile(f"{options.encoding!r} is not an encoding. Use a name such as utf-8, cp1252 or utf-16.")
    if options.separator is not None and (len(options.separator) != 1 or options.separator in '"\r\n'):
        raise UnusableFile("The separator must be one character, such as , or ;.")
    if options.encoding is None:
        encoding = detect_encoding(head, is_utf8=utf8.is_utf8)
    else:
        encoding = chosen_encoding(options.encoding, head)
    layout = detect_layout(_sample(head, encoding, size), options.columns, options.separator)
    header = _read_header(path, encoding, layout)
    mapping = map_columns(header, options.columns)
    if "email" not in mapping.columns:
        names = ", ".join(repr(name) for name in mapping.header[:40] if name)
        raise NoEmailColumn(
            f"No column is known to contain email addresses. The file is read as {encoding} with the separator "
            f"{layout.separator!r}, and its columns are: {names}. Say which one it is: map its name to `email`.",
            mapping.header,
        )
    return LeadFile(path=path, digest=digest.digest(), size=size, encoding=encoding, layout=layout, mapping=mapping)


def _check_kind(head: bytes) -> None:
    if not head.strip():
        raise UnusableFile("The file is empty.")
    for start, kind in _OTHER_FILES:
        if head.startswith(start):
            raise UnusableFile(f"The file is {kind}, not CSV. Save or export it as CSV.")


def _sample(head: bytes, encoding: str, size: int) -> str:
    text = io.TextIOWrapper(io.BytesIO(head), encoding=encoding, errors=_errors(encoding), newline="").read()
    # The last line of a sample may be cut.
    return text if size <= len(head) else text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def _read_header(path: Path, encoding: str, layout: FileLayout) -> list[str]:
    with path.open(encoding=encoding, errors=_errors(encoding), newline="") as text:
        for record, line, _ in read_records(text, layout):
            if line < layout.header_line:
                continue
            if isinstance(record, str):
                raise UnusableFile("The header is longer than 1 MiB, or a cell of it than 128 KiB.")
            if len(record) > MAX_COLUMNS:
                raise UnusableFile(f"The header has {len(record):,} columns. At most {MAX_COLUMNS:,} can be read.")
            # A report lists these names, and half of a surrogate pair can't be written.
            return [_HALVES.sub("\ufffd", name) for name in record]
    raise UnusableFile("The file has no header: its first line must name the columns.")


def _errors(encoding: str) -> str:
    # A broken byte stays visible as half of a surrogate pair, so that only its own row is rejected.
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"
