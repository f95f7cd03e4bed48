"""M14: a language is offered only if it is complete, and each text has the same values in every language."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from showup.destinations.contract import NothingToSend
from showup.destinations.email.samples import SAMPLES, sample_notification
from showup.destinations.languages import CATALOGUES, LANGUAGES, PSEUDO, choose_language, wording
from showup.destinations.localized_time import plain
from tests.destinations.email.rendered_mail import Page, kinds_of_mail, renderer

SOURCES = [Path(__file__).parents[2] / "src" / "showup" / name for name in ("destinations", "web")]
KEYWORDS = {"say": None, "say_tagged": None, "say_count": (1, 2)}
TRANSLATIONS = [language for language in LANGUAGES if language != "en"]


@cache
def messages() -> set[str | tuple[str, ...]]:
    """Returns each message of the sources; not on import, because every process of a run imports this file."""
    return {
        message
        for folder in SOURCES
        for _, _, message, *_ in extract_from_dir(folder, [("**.py", "python")], keywords=KEYWORDS)
    }


def codes(text: str) -> list[str]:
    """Returns the placeholders and tags of a text."""
    return sorted(re.findall(r"\{\w+\}|</?\w+>", text))


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_m14_a_language_is_complete_with_the_same_values_and_nothing_unsure(language: str) -> None:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    entries = {entry.id: entry for entry in catalogue if entry.id}
    assert set(entries) == messages(), "translate what is new, and remove what is gone"
    for entry in entries.values():
        assert not entry.fuzzy
        assert not list(entry.check(catalogue))
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert all(forms), entry.id
        assert codes(forms[-1]) == codes(entry.id[-1] if isinstance(entry.id, tuple) else entry.id), entry.id
        assert all(form == form.strip() for form in forms)


def test_every_catalogue_is_offered() -> None:
    assert {path.stem for path in CATALOGUES.glob("*.po")} == set(TRANSLATIONS)
    assert len(messages()) > 200


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in (path for folder in SOURCES for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KEYWORDS:
                yield path.name, node


def test_every_text_gets_the_values_that_it_names() -> None:
    for file, call in calls():
        values = {keyword.arg for keyword in call.keywords} | {"count"}
        texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        needed = {name for text in texts for _, name, *_ in Formatter().parse(text) if name}
        assert texts or file == "languages.py", f"{file}, line {call.lineno}: a text must be a literal"
        assert needed <= values, f"{file}, line {call.lineno}"
        # The reader of the sources sees no calls inside of f-strings.
        assert not texts or {tuple(texts), texts[0]} & messages(), f"{file}, line {call.lineno}: {texts}"


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (("de-AT", None), "de"),
        (("DE",), "de"),
        (("pt_BR",), "pt"),
        (("ja", "fr"), "fr"),
        ((None, "nl"), "nl"),
        (("", None), "en"),
        (("zh-Hant-TW",), "en"),
        (("en-XA",), "en-XA"),
        (("x" * 9999, "\x00"), "en"),
    ],
)
def test_the_language_is_the_attendees_else_the_senders_else_english(wanted: tuple[str | None], language: str) -> None:
    assert choose_language(*wanted) == language


@given(st.text(), st.sampled_from([*LANGUAGES, PSEUDO]))
def test_a_value_is_never_a_text(value: str, language: str) -> None:
    words = wording(language)
    assert value in words.say("Replies go to {name}.", name=value)
    parts = words.say_tagged("<b>{host} calls you</b> at {phone}", host=value, phone="{x}<b>1</b>")
    assert {tag for _, tag in parts} == {"b", None}
    assert value in "".join(text for text, _ in parts)


@pytest.mark.parametrize("language", [*LANGUAGES, PSEUDO])
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_mail_in_every_language_about_every_sample(language: str, sample: str) -> None:
    mails = renderer(fallback="us@example.com")
    for kind in kinds_of_mail():
        about = SAMPLES[sample]
        about = replace(about, guest=replace(about.guest, locale=language))
        notification = sample_notification(kind, "default", about)
        try:
            sent = mails.render(notification)
        except NothingToSend:
            assert kind == "reminder_72h"
            continue
        assert sent.text == plain(sent.text)
        assert Page(sent.html).all("html")[0]["lang"] == language
        assert not re.search(r"[{}]|\bNone\b(?! of)", sent.subject + sent.text)
        assert len(sent.html) <= 60_000
