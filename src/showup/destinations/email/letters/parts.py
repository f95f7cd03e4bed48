"""The parts of a letter. Texts are plain text: templates escape them. A text may contain U+00A0."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

Style: TypeAlias = Literal["plain", "strong", "quiet", "struck"]
ChoiceTone: TypeAlias = Literal["good", "bad", "info", "quiet"]
Tone: TypeAlias = Literal["good", "info", "warn", "quiet"]

_STYLES: Final[Mapping[str, Style]] = {"b": "strong", "q": "quiet", "s": "struck"}


class Piece(Struct, frozen=True):
    """A run of text: a link where it has an address."""

    text: str
    url: str | None = None
    style: Style = "plain"


class Paragraph(Struct, frozen=True):
    """A paragraph of the letter; with `is_heading` a short one above others."""

    pieces: tuple[Piece, ...]
    is_heading: bool = False
    kind: str = "paragraph"


class Bullets(Struct, frozen=True):
    """A numbered list; each item has a text and, at its end, a short note such as `10 min`."""

    items: tuple[tuple[str, str], ...]
    kind: str = "bullets"


class Quote(Struct, frozen=True):
    """Words of a person; `heading` says whose."""

    heading: str
    text: str
    kind: str = "quote"


class Button(Struct, frozen=True):
    """A link that stands out."""

    label: str
    url: str


class Buttons(Struct, frozen=True):
    """The primary act, and a second one."""

    main: Button
    second: Button | None = None
    kind: str = "buttons"


class AnswerLink(Struct, frozen=True):
    """One of several answers of the same weight."""

    tone: ChoiceTone
    label: str
    url: str


class AnswerLinks(Struct, frozen=True):
    """Answers, two beside each other."""

    items: tuple[AnswerLink, ...]
    kind: str = "choices"


class Portrait(Struct, frozen=True):
    """A portrait: initials or a photo, the name, and lines below it."""

    name: str
    initials: str
    lines: tuple[str, ...] = ()
    photo: str | None = None
    kind: str = "portrait"


class Row(Struct, frozen=True):
    """One fact of a ticket: a label, and lines."""

    label: str
    lines: tuple[tuple[Piece, ...], ...]


class Date(Struct, frozen=True):
    """One date of a series, with the page that moves it; hours and place only where the dates differ in them."""

    day: str
    hours: str
    place: tuple[Piece, ...]
    move: Button | None


class Ticket(Struct, frozen=True, kw_only=True):
    """The meeting at a glance. `is_off`: it no longer holds, as `off_word` says. `was` is the time that it replaces.

    `hours` is empty if each of the `dates` has its own. `parts` are the pieces of the line below the hours, which
    should not break within one; `other` is a second line.
    """

    title: str
    hours: str
    parts: tuple[str, ...]
    tile: tuple[str, str, str] | None
    other: str | None = None
    was: Piece | None = None
    was_label: str = ""
    rows: tuple[Row, ...] = ()
    dates: tuple[Date, ...] = ()
    button: Button | None = None
    is_off: bool = False
    off_word: str = ""
    kind: str = "ticket"


class Badge(Struct, frozen=True):
    """A short word that says what happened."""

    tone: Tone
    text: str


Part: TypeAlias = Paragraph | Bullets | Quote | Buttons | AnswerLinks | Portrait | Ticket
Parts: TypeAlias = tuple[Part, ...]


class Letter(Struct, frozen=True, kw_only=True):
    """A whole letter, in the order in which it is read. Each field is a block that a template can replace."""

    subject: str
    preheader: str
    badge: Badge | None
    heading: str
    opening: Parts = ()
    ticket: Parts = ()
    agenda: Parts = ()
    words: Parts = ()
    change: Parts = ()
    closing: Parts = ()
    foot: tuple[tuple[Piece, ...], ...] = ()


def paragraph(*sentences: str | tuple[Piece, ...] | None) -> Paragraph:
    """Returns the sentences as one paragraph; empty ones are left out."""
    found: list[Piece] = []
    for sentence in sentences:
        if not sentence:
            continue
        if found:
            found.append(Piece(" "))
        found.extend((Piece(sentence),) if isinstance(sentence, str) else sentence)
    return Paragraph(tuple(found))


def pieces(tagged: Iterable[tuple[str, str | None]], **links: str | None) -> tuple[Piece, ...]:
    """Returns a tagged text as pieces: `<b>`, `<q>` and `<s>` are styles, another tag is a link to its address."""
    return tuple(
        Piece(text, links.get(tag), "plain") if tag in links else Piece(text, None, _STYLES.get(tag or "", "plain"))
        for text, tag in tagged
    )
