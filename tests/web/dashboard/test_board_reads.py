"""AP4: which deals the board shows, and which moves are refused before the rules see them."""

import re

import pytest

from showup.campaigns.campaign import FIRST_OWN_ID
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of

MOVE = f"/deals/{id_of('ours.acme_deal')}/move"


def columns_of(page: str) -> dict[str, list[str]]:
    """Return the companies of each column, in order."""
    found = {}
    for stage, column in re.findall(r'data-to="stage:([^"]+)" data-scroll(.*?)</section>', page, re.DOTALL):
        found[stage] = re.findall(r'class="deal__name clip"[^>]*>([^<]+)<', column)
    return found


async def test_filters_choose_the_deals_and_the_address_keeps_them(browser_of: BrowserFactory) -> None:
    reader = browser_of("read_only")
    page = (await reader.get("/pipeline")).text
    assert columns_of(page) == {"booked": ["Globex"], "met": ["Acme Corp"], "proposal": [], "negotiation": []}
    assert "$12k" in page
    assert "1 has no next meeting" in page
    assert "data-deal" not in page, "who may only read gets nothing to drag"
    assert [columns_of((await reader.get(f"/pipeline?{query}")).text)["met"] for query in (
        "next=none", f"campaign={FIRST_OWN_ID}", "campaign=1", "owner=nobody%00@ours.example", "stage=met&cards=99999",
        "campaign=x&cards=-1&stage=",
    )] == [[], ["Acme Corp"], [], [], ["Acme Corp"], ["Acme Corp"]]  # fmt: skip
    part = await reader.get("/parts/pipeline?next=none", **{"HX-Request": "true", "X-Base": "./"})
    assert 'hx-get="./parts/pipeline?next=none"' in part.text


@pytest.mark.usefixtures("own_sample_database")
async def test_a_move_that_is_incomplete_or_came_too_late_changes_nothing(browser_of: BrowserFactory) -> None:
    member = browser_of("member")
    for fields, because in (
        ({"to": "stage:proposal", "seen": "stage:booked"}, "It is in Met now: somebody moved it meanwhile."),
        ({"to": "status:lost"}, "A lost deal needs a reason."),
        ({"to": "status:lost", "reason": "x" * 501}, "A reason may have 500 characters."),
        ({"to": "elsewhere"}, "No stage was chosen."),
    ):
        response = await member.post(MOVE, **fields)
        assert (response.status_code, because in response.text) == (409, True), because
        part = await member.post(MOVE, headers={"HX-Request": "true"}, **fields)
        assert (part.status_code, because in part.text) == (200, True), because
    assert columns_of((await member.get("/pipeline")).text)["met"] == ["Acme Corp"]
