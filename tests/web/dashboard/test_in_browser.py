"""AP2, AP4, CA7 in a real browser: pages are accessible, quiet and narrow enough, and change live."""

import re

import pytest
from playwright.sync_api import Browser, expect

from showup.outbox.outcome_tokens import VALID_FOR, OutcomeLink, make_outcome_token
from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import SEAL, Site
from tests.web.sample_data import id_of
from tests.web.scenario import HOUR, TODAY

# Each width and role once, and both themes with the pages of an admin, which are all. axe takes most of the time.
VIEWS = [(1440, "light", "admin"), (820, "dark", "read_only"), (360, "light", "member"), (360, "dark", "admin")]
PAGES = (
    "",
    "pipeline",
    "outcomes?who=team",
    "settings/teammates",
    "setup",
    "setup?step=you",
    "setup?step=mail",
    "setup?step=reports",
)


def ids_of(site: Site, uid: str) -> tuple[str, str]:
    """Returns the ids of a booking of ours and of its deal."""
    query = "SELECT id, deal_id FROM showup.bookings WHERE calcom_uid = :uid AND workspace_id = :id"
    [[booking, deal]] = site.execute(query, uid=uid, id=id_of("ours"))
    return str(booking), str(deal)


@pytest.mark.parametrize(("width", "theme", "name"), VIEWS, ids=[f"{w}-{t}-{n}" for w, t, n in VIEWS])
def test_pages_are_accessible_quiet_and_narrow_also_with_hostile_names(
    site: Site, browser: Browser, width: int, theme: str, name: str
) -> None:
    site.execute("UPDATE showup.people SET name = :name WHERE email LIKE 'pat@%'", name=HOSTILE)
    site.execute("UPDATE showup.companies SET name = :name WHERE domain = 'acme.com'", name=HOSTILE)
    site.execute(
        "UPDATE showup.bookings SET notes = :name, start_time = :start, end_time = :end WHERE calcom_uid = 'ahead'",
        name=HOSTILE,
        start=TODAY,
        end=TODAY + HOUR,
    )
    site.execute(
        "UPDATE showup.bookings SET outcome_notes = :name, next_step = :name, rescheduled_by = :name, reschedule_count"
        " = 2, event_type_title = :name, answers = jsonb_build_object(CAST(:name AS text), CAST(:name AS text))"
        " WHERE calcom_uid = 'met'",
        name=HOSTILE,
    )
    site.execute("UPDATE showup.booking_attendees SET name = :name WHERE email LIKE 'sarah@%'", name=HOSTILE)
    site.execute("UPDATE showup.deals SET owner_email = :name, amount = 1e11, currency = 'USD'", name=HOSTILE)
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(site, browser, name, **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        paths = [*PAGES] if name == "admin" else [*PAGES[:4]]
        ahead, deal = ids_of(site, "ahead")
        paths += [f"deals/{deal}", f"bookings/{ids_of(site, 'met')[0]}"]
        if name != "read_only":
            paths += [f"outcome/{ahead}", f"deals/{deal}/move", "deals/new", f"proposal/{ids_of(site, 'met')[0]}"]
        if name == "admin":
            people = "SELECT id FROM showup.people WHERE email LIKE 'pat@%' AND workspace_id = :id"
            [[pat]] = site.execute(people, id=id_of("ours"))
            paths += [f"people/{pat}", f"people/{pat}/erase"]
        for path in paths:
            page.goto(f"{site.address}/{path}")
            check_page(page, f"/{path} at {width} px, {theme}", with_axe=name == "admin")
        assert complaints == []


def test_the_sign_in_is_accessible_and_leads_on(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, None, viewport={"width": 360, "height": 700}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/settings/teammates")
        assert page.url.endswith("/signin?next=settings/teammates")
        check_page(page, "/signin")
        assert complaints == []


def test_one_tap_reports_and_every_open_tab_shows_it(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member") as (context, complaints):
        mine, other = context.new_page(), context.new_page()
        for page in (mine, other):
            page.goto(f"{site.address}/?who=team")
        expect(other.locator("#live")).to_have_attribute("data-state", "live")
        # The first tab is open in the background and hears from the second one, or the other way round.
        expect(mine.locator("#live")).to_have_attribute("data-state", "live")
        button = mine.get_by_role("button", name="gina", exact=False).and_(mine.locator("[value=no_show]"))
        button.first.click()
        expect(mine.locator("#toasts")).to_contain_text("Reported: no-show.")
        expect(other.locator("#today")).not_to_contain_text("gina")
        mine.get_by_role("button", name="No, they showed").click()
        expect(mine.locator("#toasts")).to_contain_text("Reported: showed.")
        assert complaints == []


def test_a_lost_stream_is_shown_and_heals(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "read_only") as (context, _):
        page = context.new_page()
        page.goto(site.address)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.evaluate("document.body.dataset.same = 'page'")
        context.set_offline(True)
        site.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        context.set_offline(False)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        assert page.evaluate("document.body.dataset.same") == "page", "without a reload"


def test_without_a_stream_the_page_says_from_when_its_data_are(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "read_only") as (context, _):
        context.route("**/api/live*", lambda route: route.abort())
        page = context.new_page()
        page.goto(site.address)
        expect(page.locator("#live")).to_have_attribute("data-state", "lost")
        expect(page.locator("#live")).to_have_text(re.compile(r"^\s*Reconnecting, data of \d\d?:\d\d"))
        amber, shown = page.evaluate(
            "(() => { const one = document.createElement('i'); one.style.color = 'var(--warn-ink)';"
            " document.body.append(one);"
            " return [one, document.getElementById('live')].map((each) => getComputedStyle(each).color); })()"
        )
        assert shown == amber
        context.unroute("**/api/live*")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_another_workspace_opens_in_place_and_older_tabs_say_so(site: Site, browser: Browser) -> None:
    site.execute(
        "INSERT INTO showup.memberships (id, teammate_id, workspace_id, role) VALUES (:id, :who, :space, 'read_only')",
        id=id_of("membership.both"),
        who=id_of("teammate.member"),
        space=id_of("theirs"),
    )
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        older, page = context.new_page(), context.new_page()
        for each in (older, page):
            each.goto(f"{site.address}/?who=team")
            expect(each.locator("#live")).to_have_attribute("data-state", "live")
        page.locator("details.side__space summary").click()
        page.locator("details.side__space button:not([aria-current])").click()
        page.wait_for_url(f"{site.address}/")
        expect(page.locator("details.side__space summary")).to_contain_text("heirs")
        expect(older.locator("#live")).to_contain_text("Another workspace is open. Reload")
        assert complaints == []
    site.execute("UPDATE showup.sessions SET workspace_id = NULL")


def test_a_host_answers_on_a_phone_by_the_link_of_a_mail(site: Site, browser: Browser) -> None:
    [[booking, start, host]] = site.execute(
        "SELECT id, start_time, organizer_email FROM showup.bookings"
        " WHERE calcom_uid = 'private' AND workspace_id = :id",
        id=id_of("ours"),
    )
    link = OutcomeLink(
        workspace_id=id_of("ours"), booking_id=booking, start_time=start, host=host, expires_at=TODAY + VALID_FOR
    )
    path = f"o/{make_outcome_token(SEAL, link)}"
    with signed_in(site, browser, None, viewport={"width": 360, "height": 740}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/{path}?answer=no_show")
        check_page(page, "/o/TOKEN")
        expect(page.locator("[value=no_show]")).to_be_checked()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_have_text("Saved, thank you")
        check_page(page, "/o/TOKEN, saved")
        assert complaints == []


def test_keys_walk_the_rows_and_the_theme_changes_without_a_reload(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/settings/teammates")
        page.keyboard.type("gt")
        page.wait_for_url(f"{site.address}/")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        with page.expect_response("**/theme"):
            page.locator(".side .theme label[title=Dark]").click()
        expect(page.locator("body")).to_have_css("background-color", "rgb(13, 14, 16)")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert complaints == []


def test_a_report_on_the_page_of_a_booking_changes_that_of_its_deal(site: Site, browser: Browser) -> None:
    booking, deal = ids_of(site, "met")
    with signed_in(site, browser, "admin", viewport={"width": 1280, "height": 900}) as (context, complaints):
        of_deal, of_booking = context.new_page(), context.new_page()
        of_deal.goto(f"{site.address}/deals/{deal}")
        of_booking.goto(f"{site.address}/bookings/{booking}")
        expect(of_booking.locator("#live")).to_have_attribute("data-state", "live")
        expect(of_deal.locator("#live")).to_have_attribute("data-state", "live")
        of_booking.locator(".proof").get_by_role("button", name="Showed").click()
        expect(of_booking.locator(".proof")).to_contain_text("You reported it just now.")
        expect(of_deal.locator("#timeline")).to_contain_text("reported by you")
        expect(of_deal.locator(".steps [aria-current]")).to_contain_text("Met")
        of_deal.get_by_role("button", name="Proposal").click()
        expect(of_deal.locator("#toasts")).to_contain_text("Moved to Proposal.")
        of_deal.keyboard.press("u")
        expect(of_deal.locator("#toasts")).to_contain_text("Taken back.")
        expect(of_deal.locator(".steps [aria-current]")).to_contain_text("Met")
        of_deal.locator("summary", has_text="Lost").click()
        of_deal.get_by_label("Why is it lost?").fill(" ")
        of_deal.get_by_role("button", name="Mark as lost").click()
        expect(of_deal.get_by_role("alert")).to_contain_text("Say why it is lost")
        # The answer 422 is what the page shows, and no fault of it.
        refused = [one for one in complaints if "422" in one]
        assert complaints == refused


def test_a_form_that_was_swapped_in_is_sent_without_a_new_page_from_its_first_moment(
    site: Site, browser: Browser
) -> None:
    _, deal = ids_of(site, "globex")
    with signed_in(site, browser, "admin", viewport={"width": 1280, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/deals/{deal}")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        # An observer is called as soon as the toast stands in the page, before anything else can happen.
        page.evaluate("""() => {
            window.isSamePage = true;
            new MutationObserver((changes, observer) => {
                const undo = document.querySelector("#toasts form button");
                if (undo) { observer.disconnect(); undo.click(); }
            }).observe(document.body, { childList: true, subtree: true });
        }""")
        page.get_by_role("button", name="Proposal").click()
        expect(page.locator("#toasts")).to_contain_text("Taken back.")
        assert page.evaluate("window.isSamePage")
        assert complaints == []


def test_the_line_above_save_says_what_the_answer_does(site: Site, browser: Browser) -> None:
    booking, _ = ids_of(site, "globex")
    with signed_in(site, browser, "member", viewport={"width": 390, "height": 844}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/outcome/{booking}")
        page.get_by_text("Showed", exact=True).click()
        expect(page.locator(".outcome__says")).to_contain_text("as showed, reported by you.")
        page.get_by_text("No-show", exact=True).click()
        expect(page.locator(".outcome__says")).to_contain_text("as no-show, reported by you.")
        assert complaints == []


def test_a_proposal_adds_up_while_it_is_typed_and_wins_its_deal(site: Site, browser: Browser) -> None:
    site.execute("UPDATE showup.deals SET amount = NULL, owner_email = 'a@b.example'")
    _, deal = ids_of(site, "met")
    with signed_in(site, browser, "admin", viewport={"width": 1280, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/deals/{deal}")
        page.get_by_role("link", name="New proposal").click()
        page.get_by_label("Description of line 1").fill("Seats")
        page.get_by_label("Unit price of line 1").fill("5,100.00")
        page.get_by_label("Quantity of line 1").fill("8")
        expect(page.locator("#total")).to_have_text("$40,800")
        page.get_by_role("button", name="Add a line").click()
        page.get_by_label("Description of line 2").fill(HOSTILE[:400])
        page.get_by_label("Unit price of line 2").fill("-0.50")
        expect(page.locator("#total")).to_have_text("$40,799.50")
        expect(page.locator("#paper img")).to_have_attribute("alt", re.compile(r"total \$40,799\.50"))
        page.get_by_role("button", name="Save and make the PDF").last.click()
        expect(page.get_by_role("link", name="Download the PDF")).to_be_visible()
        check_page(page, "/proposals")
        page.get_by_role("button", name="Accepted").click()
        expect(page.locator(".head__money")).to_contain_text("Accepted")
        page.get_by_role("link", name="Won").click()
        expect(page.locator("#timeline")).to_contain_text("Proposal 1 accepted")
        assert complaints == []
