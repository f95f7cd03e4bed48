"""AP4, Finding: `/search` and the palette find records and acts by words, in one's own workspace alone."""

import re
from importlib.resources import files

import httpx2
import pytest

from showup.web.dashboard.navigation import NAV_GROUPS
from showup.web.dashboard.search import marked
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.scenario import Scenario

PART = {"HX-Request": "true"}


def lines_of(page: httpx2.Response) -> list[tuple[str, str]]:
    """Returns where each line leads, and its words."""
    assert page.status_code == 200, page.text
    found = page.text.partition('class="found"')[2].partition("</main>")[0]
    lines = re.findall(
        r'<(?:a|button)[^>]*?(?:href="\.?/?([^"]*)"|value="([^"]*)")>(.*?)</(?:a|button)>', found, re.DOTALL
    )
    return [(link or value, re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", words)).strip()) for link, value, words in lines]


@pytest.fixture
def member(teammate_of: BrowserFactory) -> Browser:
    return teammate_of("member")


async def test_it_finds_records_of_every_kind_and_what_can_be_done(member: Browser, scenario: Scenario) -> None:
    lines = dict(lines_of(await member.get("/search?q=ACM")))
    assert lines[f"people/{scenario.person_id('sarah@acme.com')}"].endswith("sarah@acme.com")
    assert "company, acme.com" in lines[f"companies/{scenario.company_id('acme.com')}"]
    booking = await scenario.booking_id("met")
    assert any(path.startswith("deals/") and "deal, " in words for path, words in lines.items())
    assert lines[f"outcome/{booking}"].startswith("Report: "), "what became of it is not reported"
    assert f"bookings/{booking}" in lines


async def test_pages_and_acts_are_found_by_the_beginnings_of_their_words(
    member: Browser, teammate_of: BrowserFactory
) -> None:
    assert lines_of(await member.get("/search?q=go+to+compa")) == [("companies", "Go to Companies")]
    assert lines_of(await member.get("/search?q=theme+da")) == [("dark", "Theme: dark")]
    assert [words for _, words in lines_of(await member.get("/search?q=sign"))][-1] == "Sign out on all devices"
    everything = {path for path, _ in lines_of(await member.get("/search"))}
    pages = {page.path.replace("&", "&amp;") for group in NAV_GROUPS for page in group.pages if page.scope != "admin"}
    assert pages <= everything
    for found in (await teammate_of("read_only").get("/search"), await teammate_of("read_only").get("/search?q=acme")):
        assert not [words for _, words in lines_of(found) if words.startswith("Report: ")]
    assert lines_of(await teammate_of("read_only").get("/search?q=report+sarah")) == []


async def test_past_meetings_that_nobody_reported_are_found(member: Browser, scenario: Scenario) -> None:
    lines = lines_of(await member.get("/search?q=report+sarah", **PART))
    [(path, words)] = lines
    assert path == f"outcome/{await scenario.booking_id('met')}"
    assert words.startswith("Report: Sarah")
    query = "UPDATE showup.bookings SET organizer_email = 'member@ours.example' WHERE calcom_uid = 'met'"
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql(query)
    assert lines_of(await member.get("/search"))[0][0] == path, "without words, first what is missing"


async def test_another_workspace_finds_nothing(member: Browser, teammate_of: BrowserFactory) -> None:
    ours = {path for path, _ in lines_of(await member.get("/search?q=acme"))}
    theirs = {path for path, _ in lines_of(await teammate_of("stranger").get("/search?q=acme"))}
    assert ours
    assert ours.isdisjoint(theirs)


@pytest.mark.parametrize(
    "q", ["a b c d e f g h i", "x" * 61, "%3Cimg+src%3Dx%3E", "zebra", "%F0%9F%98%88", "-+%26+%7C"]
)
async def test_what_finds_nothing_says_how_to_search(member: Browser, q: str) -> None:
    page = await member.get(f"/search?q={q}")
    assert "Nothing found. Type the beginning of a name" in page.text or "Go to Today" in page.text
    assert "<img src" not in page.text


async def test_the_theme_of_the_palette_leads_back_to_its_page(member: Browser) -> None:
    headers = {"Origin": "http://showup.example", "Referer": "http://showup.example/deals?status=won"}
    changed = await member.post("/theme", headers=headers, theme="dark")
    assert changed.headers["location"] == "http://showup.example/deals?status=won"
    headers["Referer"] = "http://showup.example.evil.example/"
    assert (await member.post("/theme", headers=headers, theme="dark")).headers["location"] == "./"


@pytest.mark.parametrize(
    ("text", "q", "parts"),
    [
        ("Lisa Wong", "lis", [("Lis", True), ("a Wong", False)]),
        ("Tomás Herrera", "to her", [("To", True), ("más ", False), ("Her", True), ("rera", False)]),
        ("İstanbul straße", "strasse", [("İstanbul ", False), ("straße", True)]),
        ("Lisa", "", [("Lisa", False)]),
    ],
)
def test_typed_letters_are_marked(text: str, q: str, parts: list[tuple[str, bool]]) -> None:
    merged: list[tuple[str, bool]] = []
    for part, is_typed in marked(text, q):
        if merged and merged[-1][1] == is_typed:
            merged[-1] = (merged[-1][0] + part, is_typed)
        else:
            merged.append((part, is_typed))
    assert merged == parts


async def test_the_help_lists_every_key(member: Browser) -> None:
    page = (await member.get("/search")).text.partition('id="keys"')[2]
    listed = set(re.findall(r'<kbd class="kbd">([^<]+)</kbd>', page))
    folder = files("showup.web").joinpath("templates")
    templates = [one.read_text() for one in (*folder.iterdir(), *folder.joinpath("parts").iterdir()) if one.is_file()]
    used = {key for text in templates for keys in re.findall(r'data-keys="([^"{]+)"', text) for key in keys.split()}
    used |= {key for group in NAV_GROUPS for one in group.pages for key in one.keys.split()}
    assert {"j", "k", "u", "/", "g"} <= used
    assert {key.upper() for key in used} <= listed
