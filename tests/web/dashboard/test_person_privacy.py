"""RU5: an admin exports a person, and asks for their erasure by typing the address; nobody else can."""

from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario

SARAH = "sarah@acme.com"


async def test_ru5_an_admin_exports_and_erases_a_person_on_their_page(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    path = f"/people/{scenario.person_id(SARAH)}"
    member, admin = teammate_of("member"), teammate_of("admin")
    assert "/erase" not in (await member.get(path)).text
    assert (await member.post(f"{path}/erase", email=SARAH)).status_code == 403
    assert f"{path[1:]}/erase" in (await admin.get(path)).text
    exported = await admin.get(f"{path}/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert (exported.json()["email"], "people" in exported.json()["tables"]) == (SARAH, True)
    wrong = await admin.post(f"{path}/erase", email='"><script>x</script>@acme.com')
    assert (wrong.status_code, "This is not their address." in wrong.text) == (422, True)
    assert "<script>x" not in wrong.text
    assert await scenario.rows("requested_erasures") == []
    done = await admin.post(f"{path}/erase", email=f" {SARAH.upper()} ")
    assert done.status_code == 303
    (request,) = await scenario.rows("requested_erasures")
    assert request["workspace_id"] == id_of("ours")
    assert SARAH.encode() not in request["email"]
    page = (await admin.get(path)).text
    assert ("Being erased" in page, "/erase" in page) == (True, False)
    actions = [(row["what"], row["actor"]) for row in await scenario.rows("privacy_actions")]
    assert sorted(actions) == [
        ("erasure_requested", "teammate:admin@ours.example"),
        ("exported", "teammate:admin@ours.example"),
    ]
