"""AP3, AP4: the form of a proposal, its page, two who save at once, and what a form without a script does."""

import re

from showup.proposals.proposal import MAX_ITEMS
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.scenario import Scenario

LINE = {"d0": "Seats <b>", "q0": "8", "p0": "5,100.00"}
FIELDS = {
    "title": "Offer",
    "currency": "USD",
    "valid_until": "2026-10-01",
    "recipient": "sarah@acme.com",
    "scope": "All",
}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


async def opened(browser: Browser, path: str) -> dict[str, str]:
    """Returns the fields of a new form, as a browser sends them."""
    page = (await browser.get(path)).text
    return {**FIELDS, **LINE, "proposal": hidden(page, "proposal"), "seen": hidden(page, "seen")}


async def test_a_new_user_makes_a_proposal_and_marks_it_accepted_without_a_script(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    browser, deal = teammate_of("member"), await scenario.deal_id("met")
    form_path = re.search(r'href="\.\.(/proposal/[^"]+)"', (await browser.get(f"/deals/{deal}")).text)
    assert form_path is not None
    path = form_path[1]
    fields = await opened(browser, path)
    more = await browser.post(f"{path}/lines", **fields, do="add")
    assert 'name="d1"' in more.text
    assert "Seats &lt;b&gt;" in more.text
    preview = await browser.post(f"{path}/preview", **fields)
    assert "data:image/png;base64," in preview.text
    assert "$40,800" in preview.text
    saved = await browser.post(path, **fields, do="pdf")
    assert saved.status_code == 303, saved.text
    page_path = saved.headers["location"].replace("..", "")
    again = await browser.post(path, **fields, do="pdf")
    assert again.headers["location"] == saved.headers["location"], "sent twice, saved once"
    assert "Proposal 1" in (await browser.get(page_path)).text
    await accept_and_undo(browser, page_path, scenario)


async def accept_and_undo(browser: Browser, page_path: str, scenario: Scenario) -> None:
    deal = await scenario.deal_id("met")
    assert (await browser.get(f"{page_path}/pdf")).content[:5] == b"%PDF-"
    assert (await browser.get(f"{page_path}/page.png")).headers["content-type"] == "image/png"
    assert (await browser.post(f"{page_path}/mark", status="accepted")).status_code == 303
    [row] = await scenario.rows("deals", id=deal)
    assert (row["status"], str(row["amount"])) == ("won", "40800.00")
    mark = hidden((await browser.get(page_path)).text, "undo")
    assert (await browser.post(f"{page_path}/mark", undo=mark)).status_code == 303
    [row] = await scenario.rows("deals", id=deal)
    assert (row["status"], row["stage"]) == ("active", "proposal")
    stale = await browser.post(f"{page_path}/mark", undo=mark)
    assert (stale.status_code, "changed since" in stale.text) == (409, True)


async def test_a_colleague_who_was_faster_is_shown_and_nothing_is_lost(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    member, admin = teammate_of("member"), teammate_of("admin")
    path = f"/proposal/{await scenario.booking_id('met')}"
    mine, theirs = await opened(member, path), await opened(admin, path)
    assert (await admin.post(path, **theirs | {"title": "Theirs"}, do="pdf")).status_code == 303
    overtaken = await member.post(path, **mine, do="pdf")
    assert overtaken.status_code == 409
    assert "Admin Teammate saved" in overtaken.text
    assert "Seats &lt;b&gt;" in overtaken.text
    saved = await member.post(path, **mine | {"seen": hidden(overtaken.text, "seen")}, do="pdf")
    assert saved.status_code == 303
    assert sorted(row["number"] for row in await scenario.rows("proposals")) == [1, 2]
    page = (await member.get(saved.headers["location"].replace("..", ""))).text
    assert "Proposal 2" in page


async def test_faults_stand_at_their_fields_and_a_draft_tells_nobody(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    browser = teammate_of("member")
    path = f"/proposal/{await scenario.booking_id('met')}"
    fields = await opened(browser, path)
    wrong = await browser.post(path, **fields | {"p0": "many", "d1": "", "title": "", "valid_until": "2020-01-01"})
    assert wrong.status_code == 422
    for words in ("Write a price such as", "Write a title", "Choose today or a later day"):
        assert words in wrong.text
    assert 'value="many"' in wrong.text
    draft = await browser.post(path, **fields, do="save")
    page = await browser.get(draft.headers["location"].replace("..", ""))
    assert "A draft has no PDF yet." in page.text
    [row] = await scenario.rows("deals", id=await scenario.deal_id("met"))
    assert (row["stage"], row["amount"]) == ("met", None)
    full = fields | {f"d{index}": "x" for index in range(MAX_ITEMS)}
    assert 'value="add"' not in (await browser.post(f"{path}/lines", **full, do="add")).text
    without_deal = await browser.get(f"/proposal/{await scenario.booking_id('private')}")
    assert "This meeting has no deal" in without_deal.text


async def test_the_page_has_the_brand_of_the_sender(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    """AP3: the client reads who mails them, not how the workspace is called inside."""
    browser = teammate_of("admin")
    path = f"/proposal/{await scenario.booking_id('met')}"
    fields = await opened(browser, path)

    async def picture() -> str:
        page = await browser.post(f"{path}/picture", **fields)
        return page.text.partition("base64,")[2].partition('"')[0]

    before = await picture()
    assert before == await picture()
    sender = {"for": "all", "address": "hello@acme.com", "name": "Acme Robotics"}
    assert (await browser.post("/settings/senders", **sender)).status_code == 303
    assert await picture() != before
