"""AP4 in a real browser: settings are accessible and narrow enough, and a rule shows its effect before it is saved."""

import pytest
from playwright.sync_api import Browser, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of
from tests.web.test_tenancy import SETTINGS_PAGES

# axe takes most of the time, so it looks at one of them.
VIEWS = [(1280, "light", False), (360, "dark", True)]


@pytest.mark.parametrize(("width", "theme", "with_axe"), VIEWS, ids=["wide", "phone"])
def test_pages_are_accessible_quiet_and_narrow_also_with_hostile_text(
    site: Site, browser: Browser, width: int, theme: str, with_axe: bool
) -> None:
    ours = id_of("ours")
    site.execute("DELETE FROM showup.senders")
    site.execute(
        "INSERT INTO showup.senders (id, workspace_id, host, address, name, color, updated_by, updated_at)"
        " VALUES (:id, :ours, :host, 'a@ours.example', :name, '#0b5d4e', :name, now())",
        id=id_of("sender"),
        ours=ours,
        host=f"{'w' * 60}.{'w' * 60}.example",
        name=HOSTILE,
    )
    site.execute(
        "INSERT INTO showup.endpoints (id, workspace_id, url, kinds, description, secrets, created_at, updated_at)"
        " VALUES (gen_random_uuid(), :ours, :url, '{deal.won}', :name, '', now(), now())",
        ours=ours,
        url=f"https://{'w' * 300}.example/",
        name=HOSTILE,
    )
    site.execute("UPDATE showup.workspaces SET name = :name WHERE id = :ours", name=HOSTILE, ours=ours)
    site.execute(
        "INSERT INTO showup.settings_log (id, workspace_id, at, actor, what, about, change)"
        " VALUES (gen_random_uuid(), :ours, now(), :name, 'sender.added', :name, '{\"name\": [null, \"<b>\"]}')",
        ours=ours,
        name=HOSTILE,
    )
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(site, browser, "admin", **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        for path in ("", *sorted(SETTINGS_PAGES), f"senders/{id_of('sender')}"):
            page.goto(f"{site.address}/settings/{path}".rstrip("/"))
            check_page(page, f"/settings/{path} at {width} px, {theme}", with_axe=with_axe)
        assert complaints == []
    site.execute("UPDATE showup.workspaces SET name = 'Ours' WHERE id = :ours", ours=ours)
    site.execute("DELETE FROM showup.endpoints")
    site.execute("DELETE FROM showup.senders")


def test_a_choice_shows_its_effect_at_once_and_saves_after_it(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "admin", viewport={"width": 1440, "height": 1000}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/settings/rules")
        page.get_by_text("Wait for a report").click()
        expect(page.get_by_text("This would change the outcome of 1 meeting and 1 deal")).to_be_visible()
        assert site.execute("SELECT count(*) FROM showup.rules") == [(0,)]
        page.locator("#rule-ended").get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        assert site.execute("SELECT changes FROM showup.rules") == [({"meeting_ended": "unreported"},)]
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_label("Assume it was held")).to_be_checked()
        assert complaints == []


def test_a_newcomer_adds_a_sender_and_invites_a_colleague(site: Site, browser: Browser) -> None:
    """Without any document: from the side bar by the words that one would look for."""
    with signed_in(site, browser, "admin", viewport={"width": 1440, "height": 1000}) as (context, complaints):
        page = context.new_page()
        page.goto(site.address)
        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_role("link", name="Senders").click()
        page.get_by_label("From").fill("hello@ours.example")
        page.get_by_label("Brand").fill("Ours")
        page.get_by_role("button", name="Add the sender").click()
        page.get_by_role("link", name="See a mail with it").click()
        expect(page.get_by_text("hello@ours.example")).to_be_visible()
        expect(page.frame_locator("iframe").get_by_role("heading").first).to_be_visible()
        page.get_by_role("link", name="Teammates").click()
        page.get_by_label("Email").fill("ola@ours.example")
        page.get_by_role("button", name="Invite").click()
        expect(page.get_by_text("Send this link to ola@ours.example.")).to_be_visible()
        assert complaints == []
