"""AP4: lists of records: search, filters, order, pages, sums, saved views, selected rows, and CSV."""

import csv
import re
from io import StringIO
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.web.dashboard.lists import csv_export
from showup.web.dashboard.lists.record_list import PAGE_ROWS
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of

NOUNS = ("deals", "bookings", "people", "companies")
DEALS = 2 * PAGE_ROWS + 20
DATED = PAGE_ROWS + 5
# 120 deals; of the first ones, each has two meetings ahead, and three share each time. Amounts repeat and are missing.
# ruff: noqa: S608  # our own values
MANY = f"""
    INSERT INTO showup.companies (id, workspace_id, key, name, domain, created_at, updated_at)
    SELECT md5('c' || n)::uuid, $1, 'domain:c' || n || '.example', 'Firm ' || n, 'c' || n || '.example', t, t
    FROM (SELECT n, timestamptz '2026-02-01' + n / 4 * interval '1 hour' AS t FROM generate_series(1, {DEALS}) n) x;
    INSERT INTO showup.deals (id, workspace_id, company_id, status, stage, amount, currency, opened_by, position,
                              opened_at, stage_entered_at, created_at, updated_at)
    SELECT md5('d' || n)::uuid, $1, md5('c' || n)::uuid, 'active', 'booked',
           CASE WHEN n % 3 = 0 THEN NULL ELSE n % 7 END, 'EUR', md5('d' || n)::uuid, 0, t, t, t, t
    FROM (SELECT n, timestamptz '2026-02-01' + n / 4 * interval '1 hour' AS t FROM generate_series(1, {DEALS}) n) x;
    INSERT INTO showup.bookings (id, workspace_id, account_id, company_id, deal_id, title, start_time, booked_at,
                                 status, created_at, updated_at)
    SELECT md5('b' || n || '.' || k)::uuid, $1, $2, md5('c' || n)::uuid, md5('d' || n)::uuid, 'Call',
           timestamptz '2026-04-01' + n / 3 * interval '1 hour' + k * interval '9 days', now(), 'ACCEPTED', now(), now()
    FROM generate_series(1, {DATED}) n, generate_series(0, 1) k
"""


def names_of(response: httpx2.Response, noun: str = "deals") -> list[str]:
    """Return the ids of the rows, in order."""
    assert response.status_code == 200, response.text
    return re.findall(rf'<a class="strong" href="\./{noun}/([0-9a-f-]+)"', response.text)


def link_to(response: httpx2.Response, words: str) -> str | None:
    found = re.search(rf'href="\./([^"]*)">{words}', response.text)
    return None if found is None else "/" + found[1].replace("&amp;", "&")


def cells_of(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(response.text)))


async def add_many(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        for statement in MANY.split(";"):
            values = {"$1": str(id_of("ours")), "$2": str(id_of("ours.account"))}
            text = re.sub(r"\$\d", lambda found, values=values: f"'{values[found[0]]}'", statement)  # type: ignore[misc]
            await tx.exec_driver_sql(text)


@pytest.mark.usefixtures("own_sample_database")
async def test_pages_of_every_order_show_each_row_once(browser_of: BrowserFactory, sample_engine: AsyncEngine) -> None:
    """By next meeting, deals without one come last; equal times and amounts keep one order."""
    await add_many(sample_engine)
    member = browser_of("member")
    total = len(cells_of(await member.get("/deals.csv")))
    for sort in ("next_meeting", "-amount", "amount", "-created_at", "updated_at"):
        found: list[str] = []
        path: str | None = f"/deals?sort={sort}"
        texts = []
        while path is not None:
            page = await member.get(path)
            found += names_of(page)
            texts.append(page.text)
            path = link_to(page, r"Next \d")
        assert len(found) == len(set(found)) == total == DEALS + 3, sort
        assert [text.count("of 123 shown") for text in texts] == [1, 1, 1]
        assert "101 to 123 of 123 shown" in texts[2]
        exported = [row["id"] for row in cells_of(await member.get(f"/deals.csv?sort={sort}"))]
        assert exported == found, "the file has the order of the list"
        if sort == "next_meeting":
            first = "\n".join(texts).split("none planned")[0]
            assert first.count("<tr data-row>") == DATED + 2, "all that have a meeting come first"


async def test_sums_are_per_currency_and_leave_the_sample_out(browser_of: BrowserFactory) -> None:
    text = (await browser_of("read_only").get("/deals?status=active")).text
    assert re.search(r'<b class="strong num">2</b> deals, <b class="strong num">\$12k</b>', text)


@pytest.mark.usefixtures("own_sample_database")
async def test_simulated_amounts_count_in_no_sum(browser_of: BrowserFactory, sample_engine: AsyncEngine) -> None:
    async with sample_engine.begin() as tx:
        await tx.exec_driver_sql(
            f"UPDATE showup.bookings SET simulated = true WHERE deal_id = '{id_of('ours.acme_deal')}'"
        )
    text = (await browser_of("read_only").get("/deals?status=active")).text
    assert '<b class="strong num">2</b> deals</p>' in text
    assert text.count('<span class="badge">Sample</span>') == 1


async def test_each_filter_is_a_chip_that_is_removed_by_itself(browser_of: BrowserFactory) -> None:
    member = browser_of("member")
    text = (await member.get("/deals?status=active&status=won&q=acme&owner=dana@brand.example&sort=-amount")).text
    chips = dict(re.findall(r'<a class="chip chip--on" href="\./([^"]*)" aria-label="([^"]*), remove', text))
    assert {label: path.replace("&amp;", "&") for path, label in chips.items()} == {
        "Status active": "deals?status=won&q=acme&owner=dana%40brand.example&sort=-amount",
        "Status won": "deals?status=active&q=acme&owner=dana%40brand.example&sort=-amount",
        "Owner dana@brand.example": "deals?status=active&status=won&q=acme&sort=-amount",
    }
    assert 'aria-sort="descending"' in text
    assert "Opened since 1 Dec 2025, remove this filter" in (await member.get("/deals?opened_since=2025-12-01")).text
    company = (await member.get(f"/people?company_id={id_of('ours.acme')}")).text
    assert "Company Acme Corp, remove this filter" in company
    assert "Bob Ray" in company
    assert "Gina" not in company
    theirs = (await member.get(f"/people?company_id={id_of('theirs.acme')}")).text
    assert "No people found" in theirs
    assert "Acme Corp" not in theirs, "the name of another workspace's company is not shown"


@pytest.mark.usefixtures("own_sample_database")
async def test_deals_without_a_next_meeting_and_words_of_a_name_are_found(
    browser_of: BrowserFactory, sample_engine: AsyncEngine
) -> None:
    await add_many(sample_engine)
    member = browser_of("member")
    assert f"of {DEALS - DATED + 1} shown" in (await member.get("/deals?meeting=none&status=active")).text
    assert '<b class="strong num">2</b> deals' in (await member.get("/deals?q=firm+12&sort=next_meeting")).text


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/deals?status=cancelled", 1),
        ("/deals?opened_since=2026-03-02", 0),
        ("/deals?stage=met", 1),
        ("/bookings?ahead=yes&status=ACCEPTED", 1),
        ("/bookings?ahead=no&status=ACCEPTED&attended=null", 2),
        ("/bookings?since=2026-03-09&until=2026-03-11", 2),
        ("/bookings?q=gina", 3),
        ("/people?q=sarah", 1),
        ("/companies?q=glob", 1),
        ("/companies?simulated=true", 0),
    ],
)
async def test_filters_find_what_they_say(browser_of: BrowserFactory, path: str, rows: int) -> None:
    response = await browser_of("read_only").get(path)
    assert len(names_of(response, path[1:].partition("?")[0])) == rows
    assert f'<b class="strong num">{rows}</b>' in response.text, "the number above the list"


@pytest.mark.parametrize(
    "path",
    [
        "/deals?sort=domain",
        "/deals?status=open",
        "/deals?cursor=bad",
        "/deals?sort=next_meeting&cursor=-bad",
        "/deals?after=-1",
        "/bookings?since=yesterday",
        "/people?company_id=acme",
        "/people?q=" + "word+" * 30,
        "/companies?" + "&".join(f"domain={one}" for one in range(101)),
    ],
)
async def test_an_address_that_can_not_be_read_is_refused_with_a_reason(browser_of: BrowserFactory, path: str) -> None:
    for asked in (path, path.replace("?", ".csv?", 1)):
        if "csv" in asked and ("cursor" in asked or "after" in asked):
            continue  # a file begins at the first row
        response = await browser_of("read_only").get(asked)
        assert response.status_code in (400, 422), (asked, response.status_code)
        assert '<main class="sign"' in response.text, "a page, not JSON"


async def test_nothing_found_and_nothing_yet_say_what_to_do(browser_of: BrowserFactory) -> None:
    page = await browser_of("read_only").get("/deals?q=zebra&status=won")
    assert "Nothing fits “zebra” and status won." in page.text
    assert link_to(page, "Clear them") == "/deals"


@pytest.mark.usefixtures("own_sample_database")
async def test_csv_runs_no_formula_and_holds_the_whole_list(
    browser_of: BrowserFactory, sample_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sample_engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.people SET name = '=HYPERLINK(\"https://evil.example\")'")
        await tx.exec_driver_sql("UPDATE showup.bookings SET title = '@SUM(A1)', cancellation_reason = '\tx'")
    reader = browser_of("read_only")
    for noun in NOUNS:
        response = await reader.get(f"/{noun}.csv")
        rows = cells_of(response)
        assert len(rows) == len(names_of(await reader.get(f"/{noun}"), noun)) > 0
        assert response.headers["content-disposition"] == f'attachment; filename="{noun}.csv"'
        cells = [cell for row in rows for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "+", "-"))]
    assert "'=HYPERLINK" in (await reader.get("/people.csv")).text
    assert "uid-" not in (await reader.get("/bookings.csv")).text, "a uid can cancel a meeting (S09)"
    monkeypatch.setattr(csv_export, "MAX_ROWS", 3)
    monkeypatch.setattr(csv_export, "_PAGE_ROWS", 2)
    short = await reader.get("/bookings.csv")
    assert len(cells_of(short)) == 3
    assert "bookings-first-3.csv" in short.headers["content-disposition"]


@pytest.mark.usefixtures("own_sample_database")
async def test_saved_views_are_each_teammates_own(browser_of: BrowserFactory) -> None:
    member, admin = browser_of("member"), browser_of("read_only")
    saved = await member.post(
        "/views", list="deals", name=" My  <b>big</b> ones ", query="sort=-amount&status=active&after=9"
    )
    assert saved.headers["location"] == "./deals?sort=-amount&status=active"
    text = (await member.get("/deals?status=active&sort=-amount")).text
    name = "My &lt;b&gt;big&lt;/b&gt; ones"
    assert f'<a href="./deals?sort=-amount&amp;status=active" aria-current="true" dir="auto">{name}</a>' in text
    assert "big" not in (await admin.get("/deals")).text
    (view_id,) = re.findall(r'action="\./views/([0-9a-f-]+)/remove"', text)
    assert (await admin.post(f"/views/{view_id}/remove")).status_code == 404
    await member.post("/views", list="deals", name="My <b>big</b> ones", query="status=won")
    assert (await member.get("/deals")).text.count(f"{name}</a>") == 3, "the same view: in the bar, menu and on a phone"
    for number in range(20):
        last = await member.post("/views", list="deals", name=f"View {number}", query="")
    assert last.status_code == 409
    assert (await member.post(f"/views/{view_id}/remove")).headers["location"] == "../../deals"
    assert (await member.post("/views", list="leads", name="x", query="counted=held")).status_code == 303
    for wrong in ({"list": "views", "name": "x"}, {"list": "deals", "name": ""}, {"list": "deals", "name": "x" * 41}):
        assert (await member.post("/views", query="", **wrong)).status_code == 422
    assert (await member.post("/views", list="deals", name="x", query="status=open")).status_code == 422
