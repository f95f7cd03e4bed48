"""CA1, AP4: the page that imports leads shows what a file has, imports it once, and says what the API says."""

import html
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.clock import system_clock
from showup.commands.import_leads import ImportRequest, import_leads
from showup.container import event_handlers
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from showup.web.lead_imports import MAX_FILE_BYTES
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import Scenario, ticking_clock

# Sarah and Gina booked. One row is refused, one repeats another, and one is blank.
FILE = """email,first_name,company,campaign,emails_sent
sarah@acme.com,Sarah,Acme,Founders,3
gina@globex.co.uk,Gina,Globex,,2

broken,B,C,,
sarah@acme.com,,Acme Corp,Founders,4
new@far.example,Zoë,Far,,1
""".encode()
_WRITTEN = ("leads", "campaign_leads", "matches", "lead_imports", "inbox_events")
FILES = Path(__file__).parents[2] / "campaigns" / "lead_files"


@pytest.fixture
def app(scenario: Scenario) -> FastAPI:
    return create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )


@pytest.fixture
def member(app: FastAPI) -> Browser:
    return Browser(with_middleware(app, cors_origins=[]), "member")


async def send(
    browser: Browser, content: bytes | None = FILE, name: str = "Spring.csv", **fields: Any
) -> httpx2.Response:
    files = None if content is None else {"file": (name, content, "text/csv")}
    data = {"csrf": browser.csrf, "do": "check", **fields}
    return await browser.client.post("/leads/import", data=data, files=files or {"file": ("", b"")})


async def import_checked(browser: Browser, content: bytes = FILE, **fields: Any) -> httpx2.Response:
    checked = digest_of(await send(browser, content, **fields))
    return await send(browser, content, do="import", checked=checked, **fields)


def digest_of(page: httpx2.Response) -> str:
    found = re.search(r'name="checked" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


def text_of(page: httpx2.Response) -> str:
    part = page.text.partition('id="checked"')[2] or page.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part)))


def facts_of(page: httpx2.Response) -> dict[str, str]:
    facts = page.text.partition('<dl class="facts">')[2].partition("</dl>")[0]
    return {name: html.unescape(words) for name, words in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", facts)}


async def test_the_check_shows_what_the_file_has_and_imports_nothing(member: Browser, app: FastAPI) -> None:
    page = await send(member)
    assert page.status_code == 200
    shown = text_of(page)
    assert "3 leads: 3 new, 0 changed." in shown
    assert facts_of(page) == {
        "New": "3 people",
        "Changed": "0 known: another campaign, newer names or counts",
        "Matched": "2 people who booked, by address",
        "Repeated": "1: they fill what the first row left empty",
        "Blank": "1",
        "Refused": "1 row",
    }
    assert "1 row: no valid email address (line 5)" in shown
    assert "In Spring (2), Founders (1)" in shown.replace(" ,", ",")
    assert "Read as UTF-8, separated by comma." in shown
    assert "Import 3 leads" in shown
    client = client_of(app, "writer")
    for path in ("/api/leads", "/api/campaigns"):
        assert (await client.get(path)).json()["items"] == []


async def test_the_import_does_what_the_check_showed_and_what_the_api_returns(member: Browser, app: FastAPI) -> None:
    """The same file over the API is the same import, so it returns the report of the one that the page began."""
    done = await import_checked(member, campaign="Founders NL")
    shown = text_of(done)
    assert "Imported 3 leads." in shown
    assert "2 people who booked are now known as a lead." in shown
    assert "1 row repeated another." in shown
    assert "1 row: no valid email address (line 5)" in shown
    client = client_of(app, "writer")
    headers = {"Content-Type": "text/csv"}
    report = (await client.post("/api/leads/import?campaign=Founders NL", content=FILE, headers=headers)).json()
    assert (report["state"], report["accepted"], report["repeated"], report["ignored"]) == ("done", 3, 1, 1)
    assert report["rejected_rows"] == [{"line": 5, "reason": "invalid_email"}]
    leads = {one["email"]: one for one in (await client.get("/api/leads")).json()["items"]}
    assert set(leads) == {"sarah@acme.com", "gina@globex.co.uk", "new@far.example"}
    assert [one["name"] for one in leads["gina@globex.co.uk"]["campaigns"]] == ["Founders NL"]
    (sarah,) = leads["sarah@acme.com"]["campaigns"]
    assert (sarah["name"], sarah["sent"]) == ("Founders", 4)
    funnel = (await client.get("/api/funnel")).json()
    assert (funnel["sent"], funnel["booked"]) == (7, 2)
    page = await member.get("/funnel?period=all")
    assert "Founders NL" in page.text
    listed = text_of(await member.get("/leads/import"))
    assert "Spring.csv" in listed
    assert "Founders NL" in listed


@pytest.mark.parametrize("name", sorted(one.name for one in FILES.glob("*.csv")))
async def test_the_check_counts_each_export_as_the_api_imports_it(member: Browser, app: FastAPI, name: str) -> None:
    content = (FILES / name).read_bytes()
    page = await send(member, content, campaign="C")
    report = await client_of(app, "writer").post(
        "/api/leads/import?campaign=C", content=content, headers={"Content-Type": "text/csv"}
    )
    assert (page.status_code, report.status_code) in {(200, 200), (422, 422)}, (page.text, report.text)
    if page.status_code == 422:
        return
    expected, facts, shown = report.json(), facts_of(page), text_of(page)
    leads = (await client_of(app, "writer").get("/api/leads?limit=200")).json()["items"]
    assert facts["New"].startswith(f"{len(leads):,} ")
    assert facts.get("Repeated", "0").partition(":")[0] == f"{expected['repeated']:,}"
    assert facts["Refused"].startswith(f"{sum(expected['rejected'].values()):,} ")
    assert f"{expected['accepted']:,} lead" in shown
    for row in expected["rejected_rows"]:
        assert re.search(rf"lines? (\d[\d,]*, )*{row['line']:,}\b", shown), row
    again = facts_of(await send(member, content, campaign="Another"))
    assert (again["New"], again["Changed"].partition(" ")[0]) == ("0 people", f"{len(leads):,}")


async def test_the_same_file_changes_nothing_and_says_so(member: Browser, scenario: Scenario) -> None:
    await import_checked(member)
    before = [await scenario.rows(table) for table in _WRITTEN]
    page = await send(member)
    assert "This file was imported already. Importing it again changes nothing." in text_of(page)
    assert 'value="import"' not in page.text
    assert facts_of(page)["New"] == "0 people"
    assert facts_of(page)["Unchanged"] == "3"
    again = await send(member, do="import", checked=digest_of(page))
    assert "Imported 3 leads." in text_of(again), "the report of the import that there is"
    assert [await scenario.rows(table) for table in _WRITTEN] == before
    changed = facts_of(await send(member, FILE + b"gina@globex.co.uk,Georgina,Globex,,2\n"))
    assert (changed["New"], changed["Changed"].partition(" ")[0], changed["Unchanged"]) == ("0 people", "0", "3")
    renamed = facts_of(await send(member, FILE.replace(b"Gina", b"Georgina")))
    assert (renamed["Changed"].partition(" ")[0], renamed["Unchanged"]) == ("1", "2")
    assert renamed["Matched"] == "0 people who booked, by address", "they are matched already"


async def test_only_what_was_shown_is_imported(member: Browser, app: FastAPI) -> None:
    checked = digest_of(await send(member))
    for content, fields in ((FILE + b"late@far.example,L,,,\n", {}), (FILE, {"campaign": "Another"})):
        page = await send(member, content, do="import", checked=checked, **fields)
        assert page.status_code == 422
        assert "nothing was imported. This is the new check." in text_of(page)
        assert digest_of(page) != checked
    assert (await client_of(app, "writer").get("/api/leads")).json()["items"] == []


async def test_an_interrupted_import_continues(
    member: Browser, app: FastAPI, scenario: Scenario, tmp_path: Path
) -> None:
    """The process died after the first batch; the page says where, and imports the rest."""
    path = tmp_path / "upload"
    path.write_bytes(FILE)
    file = open_lead_file(path, ReadingOptions())
    asked = ImportRequest(workspace_id=id_of("ours"), file=file, file_name="Spring.csv", campaign="Spring", actor="x")

    class ProcessDied(Exception):
        pass

    def die(_: object) -> None:
        raise ProcessDied

    with pytest.raises(ProcessDied):
        await import_leads(scenario.engine, asked, system_clock, die, batch_rows=2)
    assert "Stopped at line 3" in text_of(await member.get("/leads/import"))
    page = await send(member)
    assert "The import of this file was interrupted at line 3. It continues there." in text_of(page)
    done = await send(member, do="import", checked=digest_of(page))
    assert "Imported 3 leads." in text_of(done)
    leads = (await client_of(app, "writer").get("/api/leads")).json()["items"]
    assert [one["email"] for one in leads] == ["gina@globex.co.uk", "new@far.example", "sarah@acme.com"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Choose a CSV file."),
        (b"", "Choose a CSV file.|The file is empty."),
        (b"PK\x03\x04rest", "an Excel workbook or a ZIP archive, not CSV"),
        (b"name,company\nAnn,Acme\n", "No column is known to have email addresses. Say which one it is."),
    ],
)
async def test_what_cannot_be_read_is_explained(member: Browser, content: bytes | None, says: str) -> None:
    page = await send(member, content)
    assert page.status_code == 422
    assert re.search(says, text_of(page)), text_of(page)


async def test_encodings_separators_and_columns_are_detected_or_chosen(member: Browser) -> None:
    latin = "Adresse;Vorname;Firma\nzoe@far.example;Zoë;Käse & Söhne\n".encode("cp1252")
    unknown = await send(member, latin)
    assert (unknown.status_code, "Adresse" in text_of(unknown)) == (422, True)
    page = await send(member, latin, map=["Adresse=email", ""])
    shown = text_of(page)
    assert "Read as Windows-1252 (Latin-1), separated by semicolon." in shown
    assert "Zoë" in shown
    assert "Käse & Söhne" in shown
    assert 'value="Adresse=email" selected' in page.text
    marked = await send(member, "\ufeffemail,first_name\nzoe@far.example,Zoë\n".encode())
    assert "Read as UTF-8, separated by comma." in text_of(marked)
    assert "Zoë" in text_of(marked)
    polish = "email;name\nzoe@far.example;Łukasz Żak\n".encode("cp1250")
    assert "Łukasz Żak" in text_of(await send(member, polish, encoding="cp1250", separator="semicolon"))


async def test_hostile_names_are_text(member: Browser) -> None:
    hostile = "<script>alert(1)</script>\u202e\0" + "W" * 600
    content = f'email,name,"<b>x</b>"\nzoe@far.example,"{hostile[:50]}",1\n'.replace("\0", "").encode()
    names = ("../../etc/passwd", "a\\b\\<img src=x onerror=alert(1)>.csv", "x" * 3_000 + ".csv", "=cmd|' /C calc'!A0")
    for name in names:
        own = content + name.encode()[:5] + b"@far.example,,\n"
        done = await import_checked(member, own, name=name, campaign=hostile)
        assert done.status_code == 200, done.text
        for page in (done, await member.get("/leads/import"), await send(member, content, campaign=hostile)):
            assert "<script>alert" not in page.text
            assert "<img" not in page.text
            assert "<b>x" not in page.text
    listed = text_of(await member.get("/leads/import"))
    assert "passwd" in listed
    assert "etc/" not in listed


async def test_a_file_has_a_limit(member: Browser) -> None:
    page = await send(member, b"email\n" + b"a" * MAX_FILE_BYTES)
    assert page.status_code == 413
    assert "A file has at most 8 MiB." in page.text
    crowded = {f"field{number}": "x" for number in range(200)}
    assert (await send(member, FILE, **crowded)).status_code == 422
    assert (await send(member, FILE, campaign="x" * 70_000)).status_code == 422
    plain = await member.post("/leads/import", do="check")
    assert (plain.status_code, "Choose a CSV file." in text_of(plain)) == (422, True)
    headers = {"Content-Type": "text/csv", "X-CSRF-Token": member.csrf}
    assert (await member.client.post("/leads/import", content=FILE, headers=headers)).status_code == 415


async def test_who_may_import_over_the_api_may_import_here(app: FastAPI) -> None:
    reader, stranger = Browser(app, "read_only"), Browser(app, "stranger")
    assert (await reader.get("/leads/import")).status_code == 403
    assert (await send(reader)).status_code == 403
    for path in ("/funnel", "/leads", "/answers"):
        assert "leads/import" not in (await reader.get(path)).text
        assert "leads/import" in (await Browser(app, "member").get(path)).text
    done = await import_checked(stranger)
    assert "Imported 3 leads." in text_of(done)
    client = client_of(app, "writer")
    assert (await client.get("/api/leads")).json()["items"] == []
    assert [one["email"] for one in (await client.get("/api/unmatched")).json()["items"]].count("sarah@acme.com") > 0
    page = await send(Browser(app, "member"))
    assert facts_of(page)["New"] == "3 people", "their leads are not ours"
    assert "Spring.csv" not in text_of(await Browser(app, "member").get("/leads/import"))


async def test_htmx_gets_the_part_alone(member: Browser) -> None:
    files, data = {"file": ("a.csv", FILE, "text/csv")}, {"csrf": member.csrf, "do": "check"}
    part = await member.client.post("/leads/import", data=data, files=files, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Choose the file once more" not in part.text, "the form beside it has the file"
    assert "Choose the file once more" in (await send(member)).text, "a browser without scripts has to"
