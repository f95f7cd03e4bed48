"""M14: a sender's brand, with colours that people can read."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from showup.destinations.contract import NothingToSend
from showup.destinations.email.brand import PLAIN, palette_of
from showup.destinations.email.logos import logo_files, sender_rules
from showup.destinations.email.samples import sample_notification
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.texts import AgendaItem, EventTypeTexts, TeammateTexts, TeamTexts
from showup.policy import Policy
from showup.values.colour import contrast, with_lightness
from tests.destinations.email.rendered_mail import Page, meeting, renderer

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
CORVANE = SenderRule(
    address="meetings@corvane.example",
    name="Corvane",
    color="#0b5d4e",
    postal_address="Corvane, Inc., 12 Example Wharf",
    privacy_url="https://corvane.example/privacy",
)


@given(COLOURS)
def test_m14_any_colour_can_be_read_in_light_and_dark_mode(colour: str) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for the shape of a button."""
    found = palette_of(colour)
    assert contrast(found.on, found.fill) >= 4.5
    assert contrast(found.fill, "#f8f8f6") >= 3
    assert all(contrast(found.link, background) >= 4.5 for background in ("#ffffff", "#f8f8f6", found.soft))
    assert contrast(found.dark_on, found.dark_fill) >= 4.5
    assert contrast(found.dark_fill, "#1d1f23") >= 4.5
    assert all(contrast(found.dark_link, background) >= 4.5 for background in ("#16171a", "#1d1f23", found.dark_soft))


@pytest.mark.parametrize("colour", ["#0b5d4e", "#000000", "#1f1f1c", "#3049c9"])
def test_a_colour_that_can_be_read_stays_as_it_is(colour: str) -> None:
    assert (palette_of(colour).fill, palette_of(colour).link) == (colour, colour)


@given(COLOURS)
def test_more_lightness_is_lighter_from_black_to_white(colour: str) -> None:
    shades = [with_lightness(colour, number / 10, 1.0) for number in range(11)]
    assert contrast(shades[0], "#000000") < 1.05
    assert contrast(shades[-1], "#ffffff") < 1.05
    assert sorted(shades, key=lambda one: contrast(one, "#000000")) == shades


def sent_by(sender: SenderRule, kind: str = "confirmation", **more: Any) -> Any:
    return renderer(senders=(sender,), **more).render(sample_notification(kind, "default", meeting()))


def test_m14_the_brand_stands_in_the_head_the_buttons_the_foot_and_the_senders_name() -> None:
    sent = sent_by(CORVANE)
    assert sent.sender == "Benjamin Crane at Corvane <meetings@corvane.example>"
    assert 'bgcolor="#0b5d4e"' in sent.html
    for text in (sent.text, Page(sent.html).text):
        assert "you booked a meeting with Corvane as" in " ".join(text.split())
        assert "Corvane, Inc., 12 Example Wharf" in text
    assert "https://corvane.example/privacy" in Page(sent.html).links
    assert "Benjamin Crane, Corvane" in sent.text


def test_without_a_brand_the_mail_is_the_hosts() -> None:
    sent = sent_by(SenderRule(address="team@us.example"))
    assert f'bgcolor="{PLAIN.fill}"' in sent.html
    assert ">Benjamin Crane</p>" in sent.html
    assert "you booked this meeting as" in " ".join(sent.text.split())


def test_a_logo_has_the_name_for_who_sees_no_images_and_is_the_only_image() -> None:
    photo = TeamTexts(
        teammates={"benjamin@seller.example": TeammateTexts(role="Host", photo="https://us.example/ben.png")}
    )
    logo = SenderRule(address="a@us.example", name="Us", logo="https://us.example/logo.png")
    [image] = Page(sent_by(logo, texts=photo).html).all("img")
    assert (image["src"], image["alt"], image["height"]) == ("https://us.example/logo.png", "Us", "28")
    [image] = Page(sent_by(CORVANE, texts=photo).html).all("img")
    assert image["src"] == "https://us.example/ben.png"


def test_replies_go_to_the_bookings_address_else_the_host_else_the_sender() -> None:
    team = SenderRule(address="a@us.example", name="Us", reply_to="help@us.example")
    for changes, reply_to in (
        ({"reply_to": "desk@us.example"}, "Us <desk@us.example>"),
        ({}, "Benjamin Crane <benjamin@seller.example>"),
        ({"organizer_email_hidden": True}, "Us <help@us.example>"),
        ({"organizer_email": None}, "Us <help@us.example>"),
    ):
        sent = renderer(senders=(team,)).render(sample_notification("confirmation", "default", meeting(**changes)))
        assert sent.reply_to == reply_to


def test_m14_a_teams_own_texts_are_shown_and_missing_ones_leave_no_gap() -> None:
    texts = EventTypeTexts(
        agenda={"en": (AgendaItem(text="Your numbers", minutes=10),), "de": (AgendaItem(text="Ihre Zahlen"),)},
        prepare=("A photo of the aisle", "Your order count"),
        topic="faster picking",
    )
    host = TeammateTexts(role={"en": "Solutions lead", "de": "Leitung"}, bio="Eleven years in warehouses")
    team = TeamTexts(event_types={"intro": texts}, teammates={"benjamin@seller.example": host})
    sent = sent_by(CORVANE, texts=team)
    assert "  1. Your numbers (10 min)\n" in sent.text
    assert "Benjamin Crane\nSolutions lead, Corvane\nEleven years in warehouses\n" in sent.text
    assert "  2. Your order count\n" in sent_by(CORVANE, "reminder_72h", texts=team).text
    assert sent_by(CORVANE, "reminder_72h", texts=team).subject.endswith(": two things worth bringing")
    assert "If faster picking is still on your list" in sent_by(CORVANE, "no_show", texts=team).text
    assert "If it is still of use to you" in sent_by(CORVANE, "no_show").text
    german = sample_notification("confirmation", "default", meeting(guest_locale="de"))
    shown = renderer(senders=(CORVANE,), texts=team).render(german).text
    assert "Ihre Zahlen" in shown
    assert "Leitung, Corvane" in shown


def test_a_text_in_another_language_is_left_out_only_if_the_setting_says_so() -> None:
    for only_translated in (False, True):
        texts = EventTypeTexts(agenda={"en": (AgendaItem(text="Your numbers"),)}, only_translated=only_translated)
        mails = renderer(texts=TeamTexts(event_types={"intro": texts}))
        german = sample_notification("confirmation", "default", meeting(guest_locale="de"))
        assert ("Your numbers" in mails.render(german).text) == (not only_translated)


def test_the_settings_file_holds_brands_and_texts() -> None:
    policy = Policy.model_validate(
        {
            "senders": [{"from": "a@us.example", "name": "Us", "color": "#0B5D4E", "address": "1 Main St"}],
            "event_types": {"intro": {"agenda": [{"text": "You", "minutes": 5}], "topic": {"en": "x", "de": "y"}}},
            "teammates": {"Dana@Us.example": {"role": "Lead"}},
        }
    )
    assert SenderRule(**policy.senders[0].model_dump()) == SenderRule(
        address="a@us.example", name="Us", color="#0b5d4e", postal_address="1 Main St"
    )
    assert policy.team_texts()["teammates"]["dana@us.example"]["role"] == "Lead"


def png(width: int = 120, height: int = 56, after: bytes = b"") -> bytes:
    """Returns a valid black PNG, with bytes after its end."""
    rows = zlib.compress((b"\x00" + b"\x00" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written) + after


def test_a_logo_can_be_a_file_which_has_an_address_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png())
    row = {"from": "a@us.example", "name": "Us", "logo": str(tmp_path / "logo.png")}
    rows = Policy.model_validate({"senders": [row]}).sender_rows()
    ((name, image),) = logo_files(rows).items()
    assert image == png()
    (sender,) = sender_rules(rows, "https://showup.us.example")
    assert sender.logo == f"https://showup.us.example/logos/{name}"
    assert Page(sent_by(sender).html).all("img")[0]["src"] == sender.logo


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (b"<svg onload='alert(1)'/>", "it is not a PNG image"),
        (png(after=b"<script>"), "it is not a PNG image"),
        (png()[:-20] + b"x" * 20, "it is not a PNG image"),
        (png(height=28), "it is 120 × 28 pixels"),
        (png(width=2_000), "it is 2000 × 56 pixels"),
        (png() + b"x" * 20_480, "it has more than 20 KB"),
        (None, "there is no file"),
    ],
    ids=["svg", "script after the image", "damaged", "low", "wide", "large", "missing"],
)
def test_another_file_is_no_logo(tmp_path: Path, content: bytes | None, because: str) -> None:
    if content is not None:
        (tmp_path / "logo.png").write_bytes(content)
    row = {"from": "a@us.example", "logo": str(tmp_path / "logo.png")}
    with pytest.raises(ValidationError, match=because):
        Policy.model_validate({"senders": [row]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"senders": [{"from": "a@us.example", "color": "green"}]},
        {"senders": [{"from": "a@us.example", "logo": "http://us.example/logo.png"}]},
        {"senders": [{"from": "a@us.example", "logo": "javascript:alert(1)"}]},
        {"senders": [{"from": "a@us.example", "name": "Us\r\nBcc: x"}]},
        {"senders": [{"from": "a@us.example", "language": "xx"}]},
        {"event_types": {"intro": {"place_zone": "Mars/Base"}}},
        {"event_types": {"intro": {"who_calls": "nobody"}}},
        {"event_types": {"intro": {"agenda": [{"text": "x", "minutes": 0}]}}},
        {"event_types": {"intro": {"booking_page": "javascript:x"}}},
        {"event_types": {"intro": {"agendas": []}}},
        {"teammates": {"dana": {}}},
        {"email": {"off": ["everything"]}},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(wrong)


def test_a_reminder_with_nothing_to_say_is_not_sent() -> None:
    with pytest.raises(NothingToSend, match="nothing_to_say"):
        sent_by(CORVANE, "reminder_72h", texts=TeamTexts())
