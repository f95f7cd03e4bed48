"""Shows the parts of a letter as plain text: every fact and link of the HTML, in lines of at most 72 characters."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from showup.destinations.email.letters.parts import (
    AnswerLinks,
    Bullets,
    Button,
    Buttons,
    Paragraph,
    Parts,
    Piece,
    Portrait,
    Quote,
    Ticket,
)
from showup.destinations.localized_time import plain

_WIDTH: Final = 72


def as_text(parts: Parts) -> str:
    """Returns the parts, with an empty line between two of them."""
    shown = [plain("\n".join(_lines(part))) for part in parts]
    # A heading stands right above what it heads, and a portrait right below its line.
    text = ""
    for index, one in enumerate(shown):
        previous = parts[index - 1] if index else None
        is_close = isinstance(parts[index], Portrait) or (isinstance(previous, Paragraph) and previous.is_heading)
        text += one if not index else f"\n{one}" if is_close else f"\n\n{one}"
    return text


def foot_as_text(foot: Sequence[Sequence[Piece]]) -> str:
    """Returns the lines below a letter."""
    shown = []
    for line in foot:
        links = [f"{piece.text}: {piece.url}" for piece in line if piece.url]
        shown += links or _wrapped("".join(piece.text for piece in line))
    return plain("\n".join(shown))


def _lines(part: Paragraph | Bullets | Quote | Buttons | AnswerLinks | Portrait | Ticket) -> Iterable[str]:
    match part:
        case Paragraph():
            return _paragraph(part.pieces)
        case Bullets():
            return [
                line
                for number, (text, note) in enumerate(part.items, 1)
                for line in _wrapped(f"{text} ({note})" if note else text, f"  {number}. ", "     ")
            ]
        case Quote():
            return [part.heading, *_wrapped(part.text, "> ", "> ")]
        case Buttons():
            return [_link(one) for one in (part.main, part.second) if one is not None]
        case AnswerLinks():
            return [_link(Button(one.label, one.url)) for one in part.items]
        case Portrait():
            return [part.name, *part.lines]
        case Ticket():
            return _ticket(part)
        case _:
            assert_never(part)


def _paragraph(pieces: Sequence[Piece]) -> list[str]:
    text = "".join(piece.text for piece in pieces)
    links = [_link(Button(piece.text, piece.url)) for piece in pieces if piece.url]
    return [*(line for each in text.split("\n") for line in _wrapped(each)), *links]


def _ticket(part: Ticket) -> list[str]:
    title = f"{part.off_word.upper()}: {part.title}" if part.is_off else part.title
    day, *zone = part.parts if part.tile else ("", *part.parts)
    hours = f"{day} {part.hours}".strip()
    lines = [title, ", ".join(filter(None, (hours, " ".join(zone))))]
    if part.other:
        lines.append(f"({part.other})")
    if part.was:
        lines.append(f"({part.was_label} {part.was.text})")
    for row in part.rows:
        label = f"{row.label}: " if row.label else ""
        lines.append(label + ", ".join(_row_line(line) for line in row.lines))
    shown = [line for one in lines for line in _wrapped(one, "  ", "  ")]
    for number, date in enumerate(part.dates, 1):
        begins = f"  {number}. {', '.join(filter(None, (date.day, date.hours)))}"
        shown.append(begins + (f"   {_link(date.move)}" if date.move else ""))
        shown += _wrapped(_row_line(date.place), "     ", "     ")
    has_link = part.button and any(
        part.button.url == one.url for row in part.rows for line in row.lines for one in line
    )
    if part.button and not has_link:
        shown.append(f"  {_link(part.button)}")
    return shown


def _row_line(pieces: Sequence[Piece]) -> str:
    """Returns the line with the address of each link in place of its label, or after it."""
    return "".join(_row_piece(piece) for piece in pieces)


def _row_piece(piece: Piece) -> str:
    if piece.url is None:
        return piece.text
    return piece.url if piece.text in piece.url else f"{piece.text} {piece.url}"


def _link(button: Button) -> str:
    return f"{button.label[:1].upper()}{button.label[1:]}: {button.url.removeprefix('tel:')}"


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
