"""AP6: each page and form, for each role and for a stranger: nobody sees or changes more than the role allows."""

from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import SCOPES
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of
from tests.web.test_tenancy import DASHBOARD, OURS

ROLES = {"read_only": "read", "member": "write", "admin": "admin"}
ANY_FORM = {"outcome": "showed", "came": "showed", "attendee": "0", "record": "r", "do": "remove"} | {
    "form": "stage",
    "stage": "met",
    "next_step": "Call",
    "booking": str(OURS["booking_id"]),
    "proposal": str(OURS["proposal_id"]),
    "status": "sent",
}
# A Cal.com account has its page in the first steps.
LEAD_ON = ("/connections/{connection_id}",)
OUR_NAMES = ("Bob", "Gina", "Globex", "ours.example")


def our_path(path: str) -> str:
    return path.format(**OURS)


@pytest.mark.usefixtures("own_sample_database")
async def test_a_role_opens_its_pages_and_no_others(browser_of: BrowserFactory) -> None:
    for name, own_scope in ROLES.items():
        browser = browser_of(name)
        for (method, path), scope in DASHBOARD.items():
            is_allowed = SCOPES.index(own_scope) >= SCOPES.index(scope)  # type: ignore[arg-type] # a str
            if method == "GET":
                shown = 303 if path in LEAD_ON else 200
                assert ((await browser.get(our_path(path))).status_code == shown) is is_allowed, (name, path)
            elif not is_allowed:
                response = await browser.post(our_path(path), outcome="showed", do="remove", carrier="preview")
                assert (name, path, response.status_code) == (name, path, 403)


@pytest.mark.usefixtures("own_sample_database")
async def test_no_form_is_taken_without_its_token_or_from_another_site(browser_of: BrowserFactory) -> None:
    browser, elsewhere = browser_of("admin"), browser_of("admin", **{"Sec-Fetch-Site": "cross-site"})
    old = browser_of("admin", Origin="https://evil.example")
    del old.client.headers["Sec-Fetch-Site"]
    for method, path in DASHBOARD:
        if method == "POST":
            forged = await browser.client.post(our_path(path), data={"csrf": "made up", "outcome": "showed"})
            assert (path, forged.status_code) == (path, 403)
            assert (path, (await elsewhere.post(our_path(path))).status_code) == (path, 403)
            assert (path, (await old.post(our_path(path))).status_code) == (path, 403)
    assert (await browser.get("/")).status_code == 200, "the session still stands"


@pytest.mark.usefixtures("own_sample_database")
async def test_a_stranger_sees_and_changes_nothing_of_ours(
    browser_of: BrowserFactory, sample_engine: AsyncEngine
) -> None:
    stranger = browser_of("stranger")
    for method, path in DASHBOARD:
        if path == "/assistant/answers/{question_id}":
            # A stream that is refused would be asked for again and again, so it ends with the same words for any id.
            ended = await stranger.get(our_path(path))
            assert (ended.status_code, ended.text.count("event: answer")) == (200, 1)
            assert not [name for name in OUR_NAMES if name in ended.text]
        elif path == "/connections/new/{kind}":
            # Forms of the stranger's own workspace.
            shown = await (stranger.get if method == "GET" else stranger.post)(our_path(path))
            assert shown.status_code in (200, 422)
            assert not [name for name in OUR_NAMES if name in shown.text]
        elif method == "GET" and "{" in path:
            assert (path, (await stranger.get(our_path(path))).status_code) == (path, 404)
        elif method == "GET":
            response = await stranger.get(f"{path}?who=team" if path in ("/", "/parts/today", "/outcomes") else path)
            assert response.status_code == 200
            assert not [name for name in OUR_NAMES if name in response.text], path
        elif "{" in path:
            form = ANY_FORM | ({"do": "grant"} if path.startswith("/assistant/approvals") else {})
            response = await stranger.post(our_path(path), **form)
            assert (path, response.status_code) == (path, 404)
    assert (await stranger.post("/workspace", workspace="ours")).status_code == 404
    async with sample_engine.connect() as tx:
        left = await tx.exec_driver_sql("SELECT count(*) FROM showup.memberships")
        assert left.scalar_one() == 4


async def test_one_address_with_made_up_cookies_is_throttled(browser_of: BrowserFactory) -> None:
    browser = browser_of("nobody")
    for _ in range(80):
        assert (await browser.get("/")).headers["location"].endswith("signin")


async def test_pages_run_no_script_of_outside_and_are_not_cached(browser_of: BrowserFactory) -> None:
    for path in ("/", "/setup", "/settings/teammates", "/signin"):
        response = await browser_of(None if path == "/signin" else "admin").get(path)
        policy = response.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert response.headers["cache-control"] == "no-store"
        assert " style=" not in response.text
        assert "<script>" not in response.text


def link_of(response: httpx2.Response) -> str:
    return response.text.split('id="invited" readonly value="')[1].partition('"')[0]


@pytest.mark.usefixtures("own_sample_database")
async def test_an_admin_invites_changes_and_removes_a_teammate(browser_of: BrowserFactory) -> None:
    admin = browser_of("admin")
    link = link_of(await admin.post("/settings/teammates", email="Ola@Ours.example", name="Ola", role="read_only"))
    assert (await admin.post("/settings/teammates", email="ola@ours.example", role="member")).status_code == 409
    token, newcomer = link.rpartition("/")[2], browser_of(None)
    assert "ola@ours.example" in (await newcomer.get(f"/signin/{token}")).text
    short = await newcomer.client.post(f"/signin/{token}", data={"name": "Ola Lind", "password": "short"})
    assert (short.status_code, "at least 10 characters" in short.text) == (422, True)
    joined = {"name": "Ola Lind", "password": "four unrelated words", "time_zone": "Europe/Oslo", "clock": "24h"}
    assert (await newcomer.client.post(f"/signin/{token}", data=joined)).status_code == 303
    page = (await newcomer.get("/")).text
    assert "Ola Lind" in page
    assert "Oslo time" in page
    assert (await newcomer.client.post(f"/signin/{token}", data=joined)).status_code == 404, "a link works once"
    assert (await newcomer.get("/setup")).status_code == 403
    people = (await admin.get("/settings/teammates")).text
    ola = people.partition("ola@ours.example")[2].partition("/settings/teammates/")[2].partition('"')[0]
    assert (await admin.post(f"/settings/teammates/{UUID(ola)}", do="role", role="admin")).status_code == 303
    assert (await newcomer.get("/setup")).status_code == 200
    assert (await admin.post(f"/settings/teammates/{ola}", do="remove")).status_code == 303
    assert (await newcomer.get("/")).status_code == 303, "the session ended with the access"


@pytest.mark.usefixtures("own_sample_database")
async def test_the_last_admin_stays(browser_of: BrowserFactory) -> None:
    admin, own = browser_of("admin"), f"/settings/teammates/{id_of('teammate.admin')}"
    for answer in ({"do": "remove"}, {"do": "role", "role": "member"}):
        response = await admin.post(own, **answer)
        assert (response.status_code, "only admin" in response.text) == (409, True)
