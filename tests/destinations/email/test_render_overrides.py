"""TE1: a user's own templates, for all mails, for a workspace, for an event type."""

from pathlib import Path

import pytest

from showup.destinations.contract import CannotRender
from showup.destinations.email.samples import SAMPLE, sample_notification
from showup.destinations.email.templates import Templates
from tests.destinations.email.rendered_mail import mail, meeting, renderer


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def subject(folder: Path, workspace: str = "acme", event_type: str | None = "intro") -> str:
    notification = sample_notification("confirmation", workspace, meeting(event_type=event_type))
    return renderer(folder).render(notification).subject


PLACES = ("confirmation.subject.txt", "acme/confirmation.subject.txt", "acme/intro/confirmation.subject.txt")


@pytest.mark.parametrize("there", [PLACES, PLACES[:2], PLACES[:1]])
def test_the_nearest_file_is_taken(tmp_path: Path, there: tuple[str, ...]) -> None:
    write(tmp_path, {place: f"from {place}\n" for place in there})
    assert subject(tmp_path) == f"from {there[-1]}"
    assert subject(tmp_path, event_type="other") == f"from {there[:2][-1]}"
    assert subject(tmp_path, event_type=None) == f"from {there[:2][-1]}"
    assert subject(tmp_path, workspace="another") == "from confirmation.subject.txt"


def test_m14_each_reminder_may_have_a_template_of_its_own_in_each_language(tmp_path: Path) -> None:
    """TE4: in each folder the offset comes before its kind, and the language before none."""
    files = {
        f"{place}{name}.subject.txt": f"{place}{name}"
        for place in ("", "acme/", "acme/intro/")
        for name in ("reminder_72h.de", "reminder_72h", "reminder.de", "reminder")
    }
    write(tmp_path, files)
    # Every file is removed once the mail has used it: so all are used in this order.
    for path in [*files][8:] + [*files][4:8] + [*files][:4]:
        notification = sample_notification("reminder_72h", "acme", meeting(guest_locale="de-AT"))
        assert renderer(tmp_path).render(notification).subject == files[path]
        (tmp_path / path).unlink()


def test_an_offset_without_a_template_uses_that_of_its_purpose(tmp_path: Path) -> None:
    purposes = ("prepare", "commit", "arrive")
    write(tmp_path, {f"reminder_{purpose}.subject.txt": purpose for purpose in purposes})
    for offset, purpose in {"7d": "prepare", "48h": "prepare", "47h": "commit", "6h": "commit", "5m": "arrive"}.items():
        sent = renderer(tmp_path).render(sample_notification(f"reminder_{offset}", "acme", SAMPLE))
        assert sent.subject == purpose
    write(tmp_path, {"reminder_168h.subject.txt": "a week ahead"})
    assert renderer(tmp_path).render(sample_notification("reminder_7d", "acme", SAMPLE)).subject == "a week ahead"


def test_html_of_ones_own_without_a_text_gets_a_text_made_from_it(tmp_path: Path) -> None:
    own = "<style>p { top: 0 }</style><h1>Hi</h1><p>Come to <a href='https://a.example/x'>us</a> &amp; <b>stay</b></p>"
    write(tmp_path, {"acme/confirmation.html": own, "confirmation.txt": "for all"})
    sent = renderer(tmp_path).render(sample_notification("confirmation", "acme", meeting(event_type="intro")))
    assert sent.text == "Hi\n\nCome to us (https://a.example/x) & stay\n"
    write(tmp_path, {"acme/intro/confirmation.txt": "nearer"})
    assert renderer(tmp_path).render(sample_notification("confirmation", "acme")).text == "nearer\n"
    assert renderer(tmp_path).render(sample_notification("confirmation", "another")).text == "for all\n"


def test_a_template_may_go_on_from_ours_block_by_block(tmp_path: Path) -> None:
    blocks = ("preheader", "heading", "opening", "ticket", "agenda", "words", "change", "closing", "foot", "badge")
    for block in blocks:
        own = (
            f'{{% extends "showup/mail.html" %}}{{% block {block} %}}Own {block}, {{{{ first_name }}}}{{% endblock %}}'
        )
        write(tmp_path, {"confirmation.html": own})
        html = renderer(tmp_path).render(sample_notification("confirmation", "acme")).html
        assert f"Own {block}, Ann" in html
        assert ("https://meet.example.com/intro-call" in html) == (block != "ticket")


def test_styles_of_ones_own_are_put_at_the_elements(tmp_path: Path) -> None:
    (tmp_path / "styles.css").write_text(".h1 { color: #abcdef; }")
    html = renderer(tmp_path).render(sample_notification("confirmation", "acme")).html
    assert '<h1 class="h1 ink" dir="auto" style="color: #abcdef;">' in html


def test_html_is_escaped_there_too_and_text_is_not(tmp_path: Path) -> None:
    write(tmp_path, {"confirmation.html": "<p>{{ title }}</p>", "confirmation.txt": "{{ title }}"})
    sent = renderer(tmp_path).render(sample_notification("confirmation", "acme", meeting(title="a <b> & c")))
    assert "<p>a &lt;b&gt; &amp; c</p>" in sent.html
    assert sent.text == "a <b> & c\n"


def test_a_subject_is_always_one_line(tmp_path: Path) -> None:
    write(tmp_path, {"confirmation.subject.txt": "one\r\nBcc: {{ title }}\n\n" + "x" * 1000})
    rendered = subject(tmp_path)
    assert rendered.startswith("one Bcc: Intro call")
    assert (rendered.isprintable(), len(rendered)) == (True, 200)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("one\n{% if %}\n", "acme/confirmation.txt, line 2"),
        ("one\ntwo\n{{ nothing_known }}\n", "acme/confirmation.txt, line 3: 'nothing_known' is undefined"),
        ("{{ 1 / 0 }}", "acme/confirmation.txt, line 1: division by zero"),
        ("\n{% include 'missing.txt' %}", "acme/confirmation.txt, line 2: template missing.txt does not exist"),
        ("\n{{ title.__class__.__mro__ }}", "acme/confirmation.txt, line 2"),
        ("{% include '../confirmation.subject.txt' %}", "acme/confirmation.txt, line 1"),
        ("{% include 'part.txt' %}", "acme/part.txt, line 2: 'gone' is undefined"),
    ],
)
def test_a_fault_is_reported_with_its_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    folder = write(tmp_path / "own", {"acme/confirmation.txt": text, "acme/part.txt": "fine\n{{ gone }}"})
    with pytest.raises(CannotRender) as raised:
        renderer(folder).render(sample_notification("confirmation", "acme"))
    assert says in str(raised.value)
    assert renderer(folder).render(sample_notification("confirmation", "another")).text == mail().text


def test_a_file_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    (tmp_path / "confirmation.txt").write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(CannotRender, match="UTF-8"):
        renderer(tmp_path).render(sample_notification("confirmation", "acme"))


@pytest.mark.parametrize("slug", ["..", "../outside", "/", ".", "", "outside/..", "..\\outside", "a\0b"])
def test_no_slug_leads_out_of_the_folder(tmp_path: Path, slug: str) -> None:
    folder = write(tmp_path / "own", {"acme/foot.txt": ""})
    write(tmp_path, {"confirmation.subject.txt": "outside", "outside/confirmation.subject.txt": "outside"})
    assert subject(folder, event_type=slug) == mail().subject
    assert subject(folder, workspace=slug) == mail().subject


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="does not exist"):
        Templates(tmp_path / "missing")


def test_an_unknown_kind_is_reported() -> None:
    with pytest.raises(CannotRender, match="no mail of the kind wave"):
        renderer().render(sample_notification("wave", "acme", SAMPLE))
