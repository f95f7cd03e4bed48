"""AP4: the stages of a deal are rows that an admin moves, adds and removes; each change is tried before it is saved."""

import html
import re

import pytest
from playwright.sync_api import Browser, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import Site
from tests.web.dashboard.test_settings import admin_of
from tests.web.scenario import Scenario

STAGES = ["booked", "met", "proposal", "negotiation"]


async def test_buttons_rearrange_what_is_tried(scenario: Scenario) -> None:
    admin = admin_of(scenario)

    async def stages_after(do: str, added: str = "") -> list[str]:
        form = {"group": "stages", "stages": "\n".join(STAGES), "stages.new": added, "do": do}
        page = (await admin.post("/settings/rules", **form)).text
        [text] = re.findall(r'<textarea name="stages" hidden>([^<]*)<', page)
        return html.unescape(text).splitlines()

    assert await stages_after("up.3") == ["booked", "met", "negotiation", "proposal"]
    assert await stages_after("down.1") == ["booked", "proposal", "met", "negotiation"]
    assert await stages_after("remove.2") == ["booked", "met", "negotiation"]
    assert await stages_after("try", f" {HOSTILE} ") == [*STAGES, HOSTILE]
    for nothing in ("up.4", "remove.9", "remove.-1", "drop.2", "up"):
        assert await stages_after(nothing) == STAGES
    assert await scenario.rows("rules") == []


async def test_a_new_stage_is_saved_at_the_end_and_a_name_that_looks_the_same_is_refused(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    form = {"group": "stages", "stages": "\n".join(STAGES), "do": "save"}
    refused = await admin.post("/settings/rules", **form, **{"stages.new": "Met"})
    assert (refused.status_code, "there is a stage met already" in refused.text) == (422, True)
    assert 'value="Met"' in refused.text, "what was entered is there to be corrected"
    assert (await admin.post("/settings/rules", **form, **{"stages.new": "Pilot"})).status_code == 303
    [rules] = await scenario.rows("rules")
    assert rules["changes"] == {"stages": [*STAGES, "Pilot"]}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_admin_adds_a_stage_and_moves_it_before_another(site: Site, browser: Browser, *, scripts: bool) -> None:
    options = {"viewport": {"width": 1440, "height": 1000}, "java_script_enabled": scripts}
    with signed_in(site, browser, "admin", **options) as (context, complaints):
        page = context.new_page()
        before = site.execute("SELECT count(*) FROM showup.rules")
        page.goto(f"{site.address}/settings/rules")
        stages = page.locator("#rule-stages")
        stages.get_by_label("A new stage").fill("pilot")
        stages.get_by_label("A new stage").press("Enter")
        expect(stages.get_by_role("listitem")).to_contain_text(["Booked", "Met", "Proposal", "Negotiation", "Pilot"])
        stages.get_by_label("Change Pilot").click()
        stages.get_by_role("button", name="Move up").locator("visible=true").click()
        expect(stages.get_by_role("listitem")).to_contain_text(["Booked", "Met", "Proposal", "Pilot", "Negotiation"])
        expect(stages.get_by_label("Change Pilot")).to_be_in_viewport()
        if scripts:
            check_page(page, "/settings/rules with a new stage")
        assert site.execute("SELECT count(*) FROM showup.rules") == before, "nothing is saved yet"
        stages.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        assert site.execute("SELECT changes FROM showup.rules ORDER BY at DESC LIMIT 1") == [
            ({"stages": ["booked", "met", "proposal", "pilot", "negotiation"]},)
        ]
        page.get_by_role("button", name="Undo").click()
        expect(stages.get_by_role("listitem")).to_have_count(4)
        assert complaints == []
