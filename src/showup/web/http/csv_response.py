"""A response in CSV (RFC 4180) that a spreadsheet opens as text and numbers, never as formulas."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from fastapi import Response

MEDIA_TYPE: Final = "text/csv"
# Spreadsheets take a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_response(header: Sequence[str], rows: Iterable[Sequence[object]], *, file_name: str) -> Response:
    """Return the rows as a file. Text that looks like a formula gets an apostrophe in front; None is an empty cell."""
    return Response(
        csv_lines([header, *rows]),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as lines of a file."""
    file = StringIO()
    csv.writer(file).writerows([safe_cell(value) for value in row] for row in rows)
    return file.getvalue()


def safe_cell(value: object) -> object:
    """Return the value of a cell; a number stays a number."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
