"""TE1: a user's own templates, for all mails, for a workspace, for an event type."""

from pathlib import Path

import pytest

from showup.destinations.contract import CannotRender
from showup.destinations.email.templates import SAMPLE, Templates, sample_notification
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


def test_what_is_not_replaced_stays_ours(tmp_path: Path) -> None:
    write(tmp_path, {"acme/foot.txt": "Acme Inc."})
    connection, sent = mail(), renderer(tmp_path).render(sample_notification("confirmation", "acme"))
    assert sent.text.endswith("\n-- \nAcme Inc.\n")
    assert sent.text.partition("-- ")[0] == connection.text.partition("-- ")[0]
    assert (sent.html, sent.subject) == (connection.html, connection.subject)
    assert renderer(tmp_path).render(sample_notification("confirmation", "another")).text == connection.text


def test_a_template_may_go_on_from_ours(tmp_path: Path) -> None:
    connection = '{% extends "showup/confirmation.html" %}'
    write(tmp_path, {"confirmation.html": connection + "{% block heading %}See you, {{ guest_name }}{% endblock %}"})
    html = renderer(tmp_path).render(sample_notification("confirmation", "acme")).html
    assert "See you, Ann Lee</h1>" in html
    assert "https://meet.example.com/intro-call" in html


def test_styles_of_ones_own_are_put_at_the_elements(tmp_path: Path) -> None:
    (tmp_path / "styles.css").write_text(".heading { color: #abcdef; }")
    html = renderer(tmp_path).render(sample_notification("confirmation", "acme")).html
    assert '<h1 class="heading" style="color: #abcdef;">' in html


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


def test_a_kind_without_templates_is_reported() -> None:
    with pytest.raises(CannotRender, match=r"template wave.subject.txt does not exist"):
        renderer().render(sample_notification("wave", "acme", SAMPLE))
