"""How much of a timeline a page shows: its filter and its number of lines, in the address and in forms."""

from typing import Annotated, Final, cast, get_args

from fastapi import Query

from showup.reads.record_timeline import Shown
from showup.web.dashboard.timeline_view import LINES, MOST_LINES

Show = Annotated[Shown, Query()]
Lines = Annotated[int, Query(ge=1, le=MOST_LINES)]
EVERYTHING: Final[Shown] = "everything"
_DIGITS: Final = len(str(MOST_LINES))


def shown_of(form: dict[str, str]) -> tuple[Shown, int]:
    """Return how much of the timeline the page showed when its form was sent."""
    shown, lines = form.get("show", ""), form.get("lines", "")
    is_number = lines.isascii() and lines.isdigit() and len(lines) <= _DIGITS and 1 <= int(lines) <= MOST_LINES
    return (cast("Shown", shown) if shown in get_args(Shown) else EVERYTHING), int(lines) if is_number else LINES


def timeline_query(shown: Shown, lines: int) -> str:
    """Return the query of a page that shows this much; empty for what it shows by itself."""
    return "" if (shown, lines) == (EVERYTHING, LINES) else f"?show={shown}&lines={lines}"
