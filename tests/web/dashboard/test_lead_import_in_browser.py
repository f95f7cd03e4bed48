"""CA1, AP4 in a real browser: a file is chosen, checked and imported; the page is accessible, narrow and quiet."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import Site

LEADS = "email;first_name;Firma;Notiz\nsarah@acme.com;Sarah;Käse & Söhne;x\nbroken;;;\nzoe@far.example;Zoë;Far;\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Spring NL.csv"
    path.write_bytes(LEADS.encode("cp1252"))
    return path


def choose(page: Page, path: Path) -> None:
    page.get_by_label("CSV file").set_input_files(path)


def test_a_file_is_checked_and_imported_without_a_reload(site: Site, browser: Browser, file: Path) -> None:
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/funnel")
        page.get_by_role("link", name="Import leads").first.click()
        page.evaluate("document.body.dataset.same = 'page'")
        choose(page, file)
        page.get_by_role("button", name="Check the file").click()
        checked = page.locator("#checked")
        expect(checked).to_contain_text("2 leads: 2 new, 0 changed.")
        expect(checked).to_contain_text("Read as Windows-1252 (Latin-1), separated by semicolon.")
        expect(checked).to_contain_text("Käse & Söhne")
        expect(checked).to_contain_text("1 row: no valid email address (line 3)")
        check_page(page, "/leads/import, checked")
        page.locator("#checked summary", has_text="Columns").click()
        page.get_by_label("Notiz").select_option("Full name")
        page.get_by_role("button", name="Check with these columns").click()
        expect(page.get_by_label("Notiz")).to_have_value("Notiz=name")
        page.get_by_role("button", name="Import 2 leads").click()
        expect(checked).to_contain_text("Imported 2 leads.")
        expect(checked).to_contain_text("1 person who booked is now known as a lead.")
        check_page(page, "/leads/import, imported")
        assert page.evaluate("document.body.dataset.same") == "page", "without a reload"
        assert complaints == []


def test_the_same_file_again_changes_nothing(site: Site, browser: Browser, file: Path) -> None:
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page, checked = context.new_page(), "#checked"
        for says in ("Imported 2 leads.", "This file was imported already."):
            page.goto(f"{site.address}/leads/import")
            page.get_by_label("Campaign").fill("Summer NL")
            choose(page, file)
            page.get_by_role("button", name="Check the file").click()
            expect(page.locator(f"{checked} h2").first).to_be_visible()
            if (button := page.get_by_role("button", name="Import 2 leads")).count():
                button.click()
            expect(page.locator(checked)).to_contain_text(says)
        page.get_by_role("link", name="Open the Funnel").click()
        page.wait_for_url("**/funnel?period=all")
        page.goto(f"{site.address}/leads/import")
        expect(page.locator("#main")).to_contain_text("Spring NL.csv")
        assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_narrow_also_with_hostile_names(site: Site, browser: Browser, tmp_path: Path, theme: str) -> None:
    path = tmp_path / "hostile.csv"
    name = HOSTILE[:200].replace('"', "")
    columns = ",".join(f'"{name} {number}"' for number in range(60))
    path.write_text(f'email,name,company,{columns}\n"zoe@{"w" * 60}.example","{name}","{name}"\nbroken,,\n')
    with signed_in(site, browser, "member", viewport={"width": 360, "height": 800}, color_scheme=theme) as opened:
        context, complaints = opened
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(f"{site.address}/leads/import")
        check_page(page, f"/leads/import at 360 px, {theme}")
        page.get_by_label("Campaign").fill(HOSTILE[:150])
        choose(page, path)
        page.get_by_role("button", name="Check the file").click()
        page.locator("#checked summary", has_text="Columns").click()
        expect(page.locator("#checked")).to_contain_text("23 more columns as detected.")
        check_page(page, f"/leads/import, checked, at 360 px, {theme}")
        assert complaints == []


def test_a_column_of_addresses_can_be_named(site: Site, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "wer.csv"
    path.write_text("Wer,Was\nzoe@far.example,x\n")
    with signed_in(site, browser, "member", viewport={"width": 360, "height": 800}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/leads/import")
        choose(page, path)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("alert")).to_contain_text("No column is known to have email addresses.")
        check_page(page, "/leads/import without a column of addresses, at 360 px")
        page.get_by_label("Wer").select_option("Email address")
        page.get_by_role("button", name="Check with these columns").click()
        expect(page.locator("#checked")).to_contain_text("1 lead")
        assert [one for one in complaints if "422" not in one] == [], "the browser logs the refusal alone"


def test_without_scripts_the_file_is_chosen_once_more(site: Site, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "Plain.csv"
    path.write_text("email\nplain@far.example\n")
    options = {"viewport": {"width": 1024, "height": 800}, "java_script_enabled": False}
    with signed_in(site, browser, "member", **options) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/leads/import")
        choose(page, path)
        page.get_by_role("button", name="Check the file").click()
        expect(page.locator("#checked")).to_contain_text("Choose the file once more, then import it.")
        choose(page, path)
        page.get_by_role("button", name="Import 1 lead").click()
        expect(page.locator("#checked")).to_contain_text("Imported 1 lead.")
        assert complaints == []
