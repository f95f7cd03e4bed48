"""The look of one sender's mails: name, logo, and colours that people can read in light and dark mode. Pure."""

from typing import Final

from msgspec import Struct

from showup.values.colour import INK, contrast, darken_until, lighten_until, readable_on, with_lightness

# WCAG 2.2 AA: text, and a button against what surrounds it.
_TEXT: Final = 4.5
_SHAPE: Final = 3.0
_SHEET, _CARD, _DARK_CARD = "#ffffff", "#f8f8f6", "#1d1f23"


class Palette(Struct, frozen=True, kw_only=True):
    """The colours of a sender; `dark_…` are those of dark mode.

    `fill` is a button, `on` the text on it, `link` a link or number on sheet and card, `soft` a portrait's background.
    """

    fill: str
    on: str
    link: str
    soft: str
    dark_fill: str
    dark_on: str
    dark_link: str
    dark_soft: str


# Without a brand's colour: ink buttons and indigo links.
PLAIN: Final = Palette(
    fill=INK,
    on="#ffffff",
    link="#3049c9",
    soft="#e8ebfb",
    dark_fill="#ededee",
    dark_on="#151618",
    dark_link="#99a9ff",
    dark_soft="#1b2240",
)


class Brand(Struct, frozen=True, kw_only=True):
    """A sender's brand. `name` is None where none is set; `shown` is then another name for the head of a mail."""

    name: str | None
    shown: str | None
    logo: str | None = None
    logo_dark: str | None = None
    has_colour: bool = False
    palette: Palette = PLAIN
    postal_address: str | None = None
    privacy_url: str | None = None
    signature: str | None = None

    @property
    def mark(self) -> str:
        """Returns the letter that stands for the brand."""
        return (self.name or "")[:1].upper()


def palette_of(colour: str | None) -> Palette:
    """Returns the palette of a brand's colour: darkened for light mode, and lightened for dark mode, where needed."""
    if colour is None:
        return PLAIN
    fill = darken_until(
        lambda one: contrast(readable_on(one), one) >= _TEXT and contrast(one, _CARD) >= _SHAPE,
        colour,
    )
    soft, dark_soft = with_lightness(colour, 0.945, 0.025), with_lightness(colour, 0.3, 0.04)
    link = darken_until(
        lambda one: all(contrast(one, background) >= _TEXT for background in (_SHEET, _CARD, soft)), fill
    )
    dark_fill = lighten_until(lambda one: contrast(one, _DARK_CARD) >= _TEXT, with_lightness(colour, 0.76, 0.12))
    dark_on = with_lightness(colour, 0.24, 0.04)
    return Palette(
        fill=fill,
        on=readable_on(fill),
        link=link,
        soft=soft,
        dark_fill=lighten_until(lambda one: contrast(one, dark_on) >= _TEXT, dark_fill),
        dark_on=dark_on,
        dark_link=lighten_until(
            lambda one: all(contrast(one, background) >= _TEXT for background in (_DARK_CARD, dark_soft)),
            with_lightness(colour, 0.8, 0.12),
        ),
        dark_soft=dark_soft,
    )
