"""TE1: mails look good in mail programs: wide and narrow, light and dark, and with screen readers."""

import re

import pytest

from showup.destinations.email.templates import KINDS
from tests.destinations.email.rendered_mail import Page, mail

STYLE = re.compile(r"([a-z-]+):\s*([^;]+)")


def styles(attributes: dict[str, str | None]) -> dict[str, str]:
    return dict(STYLE.findall(attributes.get("style") or ""))


def brightness(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((brightness(one), brightness(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_its_styles_stand_at_the_elements(self, kind: str) -> None:
        seen = [each for tag, each in Page(mail(kind).html).elements if tag in ("body", "h1", "p", "td", "th", "a")]
        assert [each for each in seen if not each.get("style")] in ([], [{"class": "last"}])

    def test_dark_and_narrow_screens_have_their_rules(self, kind: str) -> None:
        html = mail(kind).html
        assert "@media (prefers-color-scheme: dark)" in html
        assert "@media (max-width: 480px)" in html
        assert {"name": "color-scheme", "content": "light dark"} in Page(html).all("meta")

    def test_it_is_one_column_of_600_pixels(self, kind: str) -> None:
        (sheet,) = [each for each in Page(mail(kind).html).all("table") if each.get("class") == "sheet"]
        assert styles(sheet)["max-width"] == "600px"

    def test_it_can_be_read_aloud(self, kind: str) -> None:
        page = Page(mail(kind).html)
        assert [each["lang"] for each in page.all("html")] == ["en"]
        assert len(page.all("h1")) == 1
        laid_out = [each for each in page.all("table") if each.get("class") != "facts"]
        assert all(each["role"] == "presentation" for each in laid_out)
        assert all(each["scope"] == "row" for each in page.all("th"))

    def test_what_is_shown_beside_the_subject_is_the_meeting(self, kind: str) -> None:
        (hidden,) = [each for each in Page(mail(kind).html).all("div") if each.get("class") == "preheader"]
        assert styles(hidden)["display"] == "none"

    def test_it_fetches_nothing(self, kind: str) -> None:
        page = Page(mail(kind).html)
        assert not {"img", "link", "script", "iframe", "form"} & {tag for tag, _ in page.elements}
        assert "url(" not in mail(kind).html


@pytest.mark.parametrize(
    ("ink", "background"),
    [
        *(("#1c2024", "#ffffff"), ("#5b636b", "#ffffff"), ("#5b636b", "#f3f4f2"), ("#0f766e", "#ffffff")),
        *(("#ffffff", "#0f766e"), ("#0f766e", "#f3f4f2")),
        *(("#e9ebed", "#1d2125"), ("#a3abb3", "#1d2125"), ("#a3abb3", "#14171a"), ("#4fd1c0", "#1d2125")),
        ("#10201e", "#4fd1c0"),
    ],
)
def test_text_contrasts_with_its_background(ink: str, background: str) -> None:
    """WCAG AA requires 4.5 to 1; these are the colours of the mails."""
    html = mail("rescheduled").html
    assert ink in html
    assert background in html
    assert contrast(ink, background) >= 4.5
