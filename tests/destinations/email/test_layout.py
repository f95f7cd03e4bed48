"""TE1: mails look good in mail programs: wide and narrow, light and dark, and with screen readers."""

import re

import pytest

from showup.destinations.email.brand import PLAIN
from showup.values.colour import contrast
from tests.destinations.email.rendered_mail import Page, kinds_of_mail, mail

STYLE = re.compile(r"([a-z-]+):\s*([^;]+)")


def styles(attributes: dict[str, str | None]) -> dict[str, str]:
    return dict(STYLE.findall(attributes.get("style") or ""))


@pytest.mark.parametrize("kind", kinds_of_mail())
class TestEveryKind:
    def test_its_styles_stand_at_the_elements(self, kind: str) -> None:
        seen = [each for tag, each in Page(mail(kind).html).elements if tag in ("body", "h1", "p", "a")]
        assert all(each.get("style") for each in seen)

    def test_dark_and_narrow_screens_have_their_rules(self, kind: str) -> None:
        html = mail(kind).html
        assert "@media (prefers-color-scheme: dark)" in html
        assert "@media (max-width: 600px)" in html
        assert "[data-ogsc]" in html
        assert {"name": "color-scheme", "content": "light dark"} in Page(html).all("meta")

    def test_gmail_keeps_the_styles(self, kind: str) -> None:
        """Gmail drops a whole style element beyond 16 KB, or with a colour that it doesn't know."""
        for style in re.findall(r"<style[^>]*>(.*?)</style>", mail(kind).html, re.DOTALL):
            assert len(style) < 8_000
            assert "rgb(" not in style

    def test_it_is_one_column_of_580_pixels(self, kind: str) -> None:
        (sheet,) = [each for each in Page(mail(kind).html).all("table") if each.get("class") == "sheet"]
        assert styles(sheet)["max-width"] == "580px"

    def test_a_meeting_that_is_off_is_struck_through_and_called_off(self, kind: str) -> None:
        sent = mail(kind)
        is_off = kind in ("cancelled", "reschedule_request")
        assert ("line-through" in Page(sent.html).hours_style) == is_off
        assert any(word in sent.text for word in ("CANCELLED: ", "NO LONGER: ")) == is_off

    def test_it_can_be_read_aloud(self, kind: str) -> None:
        page = Page(mail(kind).html)
        assert [each["lang"] for each in page.all("html")] == ["en"]
        assert len(page.all("h1")) == 1
        assert all(each["role"] == "presentation" for each in page.all("table"))
        assert all(each["aria-hidden"] for each in page.all("table") if each.get("class") == "tile")

    def test_what_is_shown_beside_the_subject_is_the_meeting(self, kind: str) -> None:
        (hidden,) = [each for each in Page(mail(kind).html).all("div") if each.get("class") == "preheader"]
        assert styles(hidden)["display"] == "none"

    def test_it_fetches_nothing(self, kind: str) -> None:
        page = Page(mail(kind).html)
        assert not {"img", "link", "script", "iframe", "form"} & {tag for tag, _ in page.elements}
        assert "url(" not in mail(kind).html


LIGHT, DARK = ("#ffffff", "#f8f8f6"), ("#16171a", "#1d1f23")


@pytest.mark.parametrize(
    ("ink", "background"),
    [
        *((ink, background) for ink in ("#1b1b18", "#55554e", PLAIN.link) for background in LIGHT),
        *((ink, background) for ink in ("#ecedee", "#b0b2b8", PLAIN.dark_link) for background in DARK),
        *(("#6c6c64", "#f4f4f1"), ("#9a9ca4", "#0d0e10"), (PLAIN.on, PLAIN.fill), (PLAIN.dark_on, PLAIN.dark_fill)),
        *(("#176639", "#e5f4ea"), ("#14598d", "#e6f1fa"), ("#7c5000", "#fcf1da"), ("#55554e", "#efefeb")),
        *(("#74d19c", "#13291d"), ("#87c3f2", "#12263a"), ("#ecbb62", "#2e2412"), ("#b0b2b8", "#26282d")),
        ("#ffffff", "#6c6c64"),
    ],
)
def test_text_contrasts_with_its_background(ink: str, background: str) -> None:
    """WCAG AA requires 4.5 to 1; these are the colours of the mails."""
    html = "".join(mail(kind).html for kind in ("confirmation", "cancelled", "reschedule_request", "reminder_24h"))
    assert ink in html
    assert background in html
    assert contrast(ink, background) >= 4.5
