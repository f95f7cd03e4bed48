"""Colours: contrast as WCAG 2.2 defines it, and lighter or darker versions of a colour in OKLCH. Pure.

OKLCH keeps hue and chroma while its lightness changes, as people see them (https://bottosson.github.io/posts/oklab).
A colour is written `#rrggbb`.
"""

from collections.abc import Callable
from math import atan2, cos, hypot, sin
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

WHITE: Final = "#ffffff"
INK: Final = "#1f1f1c"

_STEP: Final = 0.01


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(colour: str, dark: str = INK) -> str:
    """Return white or `dark`: the one that contrasts more with the colour."""
    return max((WHITE, dark), key=lambda text: contrast(text, colour))


def darken_until(passes: Callable[[str], bool], colour: str) -> str:
    """Return the lightest version of the colour, no lighter than itself, that passes; black if none does."""
    return _shift(passes, colour, -_STEP)


def lighten_until(passes: Callable[[str], bool], colour: str) -> str:
    """Return the darkest version of the colour, no darker than itself, that passes; white if none does."""
    return _shift(passes, colour, _STEP)


def with_lightness(colour: str, lightness: float, chroma: float) -> str:
    """Return a colour of the same hue, with this lightness (0 to 1) and at most this chroma."""
    _, own_chroma, hue = _to_oklch(colour)
    return _from_oklch(lightness, min(own_chroma, chroma), hue)


def _shift(passes: Callable[[str], bool], colour: str, step: float) -> str:
    lightness, chroma, hue = _to_oklch(colour)
    shifted = colour
    while not passes(shifted) and 0 < lightness < 1:
        lightness += step
        shifted = _from_oklch(max(0.0, min(1.0, lightness)), chroma, hue)
    return shifted


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (_to_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _to_gamma(channel: float) -> float:
    return channel * 12.92 if channel <= 0.0031308 else float(1.055 * channel ** (1 / 2.4) - 0.055)


def _to_oklch(colour: str) -> tuple[float, float, float]:
    red, green, blue = _channels(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short, hypot(a, b), atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    # Less chroma until the colour exists on a screen.
    while chroma > 0 and not all(-0.001 <= channel <= 1.001 for channel in _linear(lightness, chroma, hue)):
        chroma -= 0.002
    shown = (_to_gamma(max(0.0, min(1.0, channel))) for channel in _linear(lightness, max(chroma, 0.0), hue))
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in shown)


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * cos(hue), chroma * sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


HexColour = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^#[0-9a-fA-F]{6}$"), AfterValidator(str.lower)
]
"""A colour as a person enters it."""
