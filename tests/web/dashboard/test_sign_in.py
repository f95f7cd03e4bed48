"""AP6: passwords, one-time links, sessions, and what the audit of sign-ins says."""

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import sign_in_links_store
from showup.access.passwords import PasswordHashes
from showup.database.engine import transaction
from showup.database.tables import teammates
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import NOW, id_of

PASSWORD = "four unrelated words"
pytestmark = pytest.mark.usefixtures("own_sample_database")


@pytest.fixture
async def _member_has_password(own_sample_database: str, sample_engine: AsyncEngine) -> None:
    assert own_sample_database
    encoded = await PasswordHashes().make(PASSWORD)
    async with transaction(sample_engine) as tx:
        own = teammates.c.id == id_of("teammate.member")
        await tx.execute(update(teammates).where(own).values(password_hash=encoded))


@pytest.mark.usefixtures("_member_has_password")
async def test_a_password_signs_in_and_one_session_or_all_end(browser_of: BrowserFactory) -> None:
    phone, laptop = browser_of(None), browser_of("member")
    fields = {"email": " Member@ours.example", "password": PASSWORD, "next": "settings/teammates", "stay": "yes"}
    signed_in = await phone.client.post("/signin", data=fields)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "./settings/teammates")
    cookie = signed_in.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Max-Age=2592000" in cookie
    assert (await phone.get("/")).status_code == 200
    assert (await laptop.post("/signout")).status_code == 303
    assert (await laptop.get("/")).status_code == 303
    assert (await phone.get("/")).status_code == 200
    csrf = (await phone.get("/")).text.partition('name="csrf" value="')[2].partition('"')[0]
    second = browser_of(None)
    await second.client.post("/signin", data=fields | {"stay": ""})
    await phone.client.post("/signout", data={"csrf": csrf, "everywhere": "yes"})
    assert [(await one.get("/")).status_code for one in (phone, second)] == [303, 303]
    log = (await browser_of("admin").get("/settings/teammates")).text
    assert "signed out on all devices" in log


@pytest.mark.usefixtures("_member_has_password")
async def test_faults_never_say_which_half_was_wrong_and_guessing_is_throttled(browser_of: BrowserFactory) -> None:
    client = browser_of(None).client
    wrong = await client.post("/signin", data={"email": "member@ours.example", "password": "wrong"})
    unknown = await client.post("/signin", data={"email": "nobody@ours.example", "password": "wrong"})
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert wrong.text.replace("member@", "nobody@") == unknown.text
    assert "used a wrong password" in (await browser_of("admin").get("/settings/teammates")).text
    statuses = [
        (await client.post("/signin", data={"email": f"{n}@ours.example", "password": "wrong"})).status_code
        for n in range(10)
    ]
    assert statuses[-1] == 429
    locked_out = await client.post("/signin", data={"email": "member@ours.example", "password": PASSWORD})
    assert (locked_out.status_code, "retry-after" in locked_out.headers) == (429, True)


@pytest.mark.usefixtures("_member_has_password")
async def test_signing_in_leads_to_no_other_site(browser_of: BrowserFactory) -> None:
    for path in ("//evil.example", "https://evil.example", "/\\evil.example", "..//evil.example"):
        fields = {"email": "member@ours.example", "password": PASSWORD, "next": path}
        assert (await browser_of(None).client.post("/signin", data=fields)).headers["location"] == "./"


async def test_a_link_is_used_up_by_its_form_and_not_by_opening_it(
    browser_of: BrowserFactory, sample_engine: AsyncEngine
) -> None:
    async with transaction(sample_engine) as tx:
        token = await sign_in_links_store.create(tx, "sign_in", id_of("teammate.member"), now=NOW)
        newer = await sign_in_links_store.create(tx, "sign_in", id_of("teammate.member"), now=NOW)
    browser = browser_of(None)
    assert (await browser.get(f"/signin/{token}")).status_code == 404, "a newer one replaced it"
    assert [(await browser.get(f"/signin/{newer}")).status_code for _ in range(2)] == [200, 200]
    assert (await browser.client.post(f"/signin/{newer}")).status_code == 303
    assert (await browser.get("/")).status_code == 200
    assert (await browser.get(f"/signin/{newer}")).status_code == 404


async def test_the_first_link_makes_one_admin_only(browser_of: BrowserFactory, sample_engine: AsyncEngine) -> None:
    async with transaction(sample_engine) as tx:
        token = await sign_in_links_store.create(tx, "first_run", None, now=NOW)
    fields = {"name": "Eve", "email": "eve@evil.example", "password": PASSWORD}
    response = await browser_of(None).client.post(f"/signin/{token}", data=fields)
    assert response.status_code == 409, "there are teammates"


async def test_an_old_browser_without_fetch_metadata_may_send_its_own_forms(browser_of: BrowserFactory) -> None:
    browser = browser_of("member", Origin="http://showup.example")
    del browser.client.headers["Sec-Fetch-Site"]
    assert (await browser.post("/theme", theme="dark")).status_code == 303
    assert 'data-theme="dark"' in (await browser.get("/")).text


async def test_compressed_pages_have_masked_tokens(
    browser_of: BrowserFactory,
) -> None:
    """So the sizes of compressed pages don't tell the token (BREACH)."""
    browser = browser_of("member")
    pages = [await browser.get("/") for _ in range(2)]
    assert [one.headers["content-encoding"] for one in pages] == ["gzip"] * 2
    tokens = [one.text.partition('name="csrf" value="')[2].partition('"')[0] for one in pages]
    assert tokens[0] != tokens[1]
    assert browser.csrf not in pages[0].text
    plain = await browser.get("/", **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for token in tokens:
        assert (await browser.client.post("/theme", data={"csrf": token, "theme": "dark"})).status_code == 303
    wrong = tokens[0][:-1] + ("0" if tokens[0][-1] != "0" else "1")
    for token in (wrong, tokens[0] + "00", "g" * len(tokens[0]), "", browser.csrf[:-1]):
        assert (await browser.client.post("/theme", data={"csrf": token, "theme": "dark"})).status_code == 403
