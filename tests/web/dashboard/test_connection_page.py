"""AP4: one form connects every kind of the catalogue; secrets are never shown, and two people lose nothing."""

import html
import re
from typing import Any

import pytest
from sqlalchemy import insert, text

from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal
from showup.connections.catalogue import KINDS
from showup.connections.fields import SettingField, secret_fields, setting_fields
from showup.container import event_handlers
from showup.database.engine import transaction
from showup.database.tables import destination_queues
from showup.dispatch.connection_check import ConnectionCheck
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from tests.web.dashboard.browsing import HOSTILE
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import DAY, TODAY, Scenario, ticking_clock

SEAL = Seal(["a key for tests"])
SECRET = "xoxb-very-secret"
# What a form's example leaves open.
REAL = {
    "contacts_database": "https://www.notion.so/acme/Contacts-0123456789abcdef0123456789abcdef?v=1",
    "sequences_database": "https://www.notion.so/acme/0123456789abcdef0123456789abcdef",
    "contacts_data_source": "0123456789abcdef0123456789abcdef",
    "sequences_data_source": "0123456789abcdef0123456789abcdef",
    "digest_at": "09:30",
    "account_sid": "AC" + "0" * 32,
    "api_url": "https://other.example.com/api",
    "channels": "digest.daily = C0000000001\ndelivery.failed = C9876543210",
}
SLACK = {"s.channel": "C0123456789", "c.bot_token": SECRET, "c.signing_secret": "also-very-secret", "do": "save"}


def browsers(
    scenario: Scenario, *names: str, faults: tuple[str, ...] = (), asked: list[Any] | None = None
) -> list[Browser]:
    """Returns browsers on one app whose tests of connections have these faults; `asked` gets what was tested."""

    async def check(connection: Connection) -> ConnectionCheck:
        if asked is not None:
            asked.append(connection.settings)
        return ConnectionCheck(faults=list(faults), message="it accepts the credentials")

    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
        mail_secrets=MailSecrets(seal=SEAL),
        check_connection=check,
    )
    return [Browser(app, name) for name in names]


def entered(field: SettingField) -> dict[str, str]:
    """Returns what a person enters for a setting, another value than its default."""
    key = f"s.{field.name}"
    match field.type:
        case "flag":
            return {} if field.default else {key: "on"}
        case "choices":
            return {f"{key}.{one}": "on" for one in list(field.choices)[:2]}
        case "choice":
            return {key: list(field.choices)[-1]}
        case "number":
            return {key: "7"}
        case _:
            return {
                key: REAL.get(field.name) or field.example or (field.default if ":" in str(field.default) else "9h")
            }


def form_in(page: str) -> dict[str, str]:
    """Returns the fields of the page's form as a browser would send them unchanged."""
    form = re.search(r'<form class="card card--raised.*?</form>', page, re.DOTALL)
    assert form is not None
    fields = {}
    for tag in re.findall(r"<input [^>]*>", form[0]):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found.get("type") != "checkbox":
            fields[found["name"]] = html.unescape(found.get("value", ""))
        elif tag.endswith(" checked>"):
            fields[found["name"]] = "on"
    for name, value in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form[0], re.DOTALL):
        fields[name] = html.unescape(value)
    del fields["csrf"]
    return fields | {"do": "save"}


async def connect_slack(admin: Browser, **changes: str) -> Any:
    """Connects Slack as a person does: with the form as it is shown, and the fields that they fill in."""
    shown = form_in((await admin.get("/connections/new/slack")).text)
    return await admin.post("/connections/new/slack", **shown | SLACK | changes)


async def stored(scenario: Scenario, kind: str) -> dict[str, Any]:
    [row] = await scenario.rows("connections", kind=kind, workspace_id=id_of("ours"))
    return row


@pytest.mark.parametrize("name", KINDS)
async def test_each_kind_has_a_form_that_saves_and_reads_back(scenario: Scenario, name: str) -> None:
    asked: list[Any] = []
    [admin] = browsers(scenario, "admin", asked=asked)
    assert f'connections/new/{name}"' in (await admin.get("/connections")).text
    kind, secrets = KINDS[name], {f"c.{one.name}": SECRET for one in secret_fields(KINDS[name])}
    page = (await admin.get(f"/connections/new/{name}")).text
    fields = setting_fields(kind)
    for field in fields:
        assert f'name="s.{field.name}' in page, field
        assert html.escape(field.label, quote=False) in page
    values = {key: value for field in fields for key, value in entered(field).items()}
    saved = await admin.post(f"/connections/new/{name}", **values, **secrets, seen="", do="save")
    assert (saved.status_code, "Saved, and it works." in saved.text) == (200, True), saved.text
    row = await stored(scenario, name)
    assert set(row["settings"]) == {one.name for one in fields}, "each field changed its setting"
    assert kind.parse_settings(row["settings"]) == kind.parse_settings(asked[0])
    path = f"/connections/{row['id']}"
    shown = form_in((await admin.get(path)).text)
    assert {key: shown.get(key, "") for key in values} == values
    assert SECRET not in saved.text + (await admin.get(path)).text
    again = await admin.post(f"{path}/settings", **shown)
    assert again.status_code == 200
    assert await stored(scenario, name) == row, "nothing changed, so nothing is written"
    kept = await admin.get("/settings/changes")
    assert f"{name} main" in kept.text
    assert SECRET not in kept.text


@pytest.mark.parametrize("name", KINDS)
async def test_what_is_missing_or_wrong_stands_beside_its_field(scenario: Scenario, name: str) -> None:
    [admin] = browsers(scenario, "admin")
    kind = KINDS[name]
    refused = await admin.post(
        f"/connections/new/{name}", **{"s.rate_per_second": "fast", "s.at_once": "51", "do": "save"}
    )
    assert refused.status_code == 422
    beside = dict(re.findall(r'class="field__fault" id="h-([^"]+)">.*?<span>(.*?)</span>', refused.text, re.DOTALL))
    assert beside["s.rate_per_second"] == "Enter a number, more than 0 and at most 1,000."
    assert beside["s.at_once"] == "Enter a whole number, at least 1 and at most 50."
    needed = {f"s.{one.name}" for one in setting_fields(kind) if one.is_required}
    needed |= {f"c.{one.name}" for one in secret_fields(kind) if one.is_required}
    assert needed <= beside.keys()
    assert await scenario.rows("connections", kind=name) == []


@pytest.mark.parametrize(
    ("kind", "fields", "at", "words"),
    [
        ("slack", SLACK | {"s.channel": "#sales"}, "s.channel", "is not a channel id"),
        ("slack", SLACK | {"s.digest_at": "8 o'clock"}, "s.digest_at", "Set "),
        ("slack", SLACK | {"s.channels": "digest.dayly = C0123456789"}, "s.channels", "did you mean digest.daily?"),
        ("slack", SLACK | {"s.channels": "digest.daily"}, "s.channels", "with = between them"),
        ("slack", SLACK | {"s.api_url": "https://10.0.0.1"}, "s.api_url", "not a public"),
        ("clickup", {"c.token": "pk", "s.lists": "sales", "s.inbound_list": "1"}, "s.lists", "is not a list id"),
        ("clickup", {"c.token": "pk", "s.lists": "1", "s.inbound_list": "leads"}, "s.inbound_list", "not a list id"),
        (
            "notion",
            {"c.token": "ntn", "s.contacts_database": "Contacts"},
            "s.contacts_database",
            "link of the database",
        ),
        ("twilio", {"c.auth_token": "t", "s.account_sid": "AC1", "s.sender": "+1"}, "s.account_sid", "Copy it from"),
        ("prefect", {"s.deployment": "x", "s.api_url": "https://p.example.com/api"}, "s.deployment", "Set it to"),
    ],
)
async def test_a_setting_that_cannot_work_is_refused_beside_its_field(
    scenario: Scenario, kind: str, fields: dict[str, str], at: str, words: str
) -> None:
    [admin] = browsers(scenario, "admin")
    shown = form_in((await admin.get(f"/connections/new/{kind}")).text)
    refused = await admin.post(f"/connections/new/{kind}", **shown | fields)
    assert refused.status_code == 422, refused.text
    beside = dict(re.findall(r'class="field__fault" id="h-([^"]+)">.*?<span>(.*?)</span>', refused.text, re.DOTALL))
    assert (list(beside), words in html.unescape(beside[at])) == ([at], True), beside
    assert fields.get("c.bot_token", SECRET) not in refused.text
    assert await scenario.rows("connections", kind=kind) == []


async def test_an_empty_secret_keeps_the_stored_one_and_a_new_address_needs_it_again(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin")
    await connect_slack(admin)
    row = await stored(scenario, "slack")
    path = f"/connections/{row['id']}"
    page = (await admin.get(path)).text
    assert page.count("stored; paste another to replace it") == 2
    moved = await admin.post(f"{path}/settings", **form_in(page) | {"s.channel": "C0000000001"})
    assert moved.status_code == 200
    changed = await stored(scenario, "slack")
    assert changed["settings"]["channel"] == "C0000000001"
    assert SEAL.decrypt(changed["credentials"]) == SEAL.decrypt(row["credentials"])
    elsewhere = form_in(moved.text) | {"s.api_url": "https://mine.example.com"}
    refused = await admin.post(f"{path}/settings", **elsewhere)
    assert (refused.status_code, refused.text.count("sends no stored secret to a new address")) == (422, 2)
    fewer = form_in(moved.text) | {"x.signing_secret": "on", "c.bot_token": "xoxb-another"}
    assert (await admin.post(f"{path}/settings", **fewer)).status_code == 200
    assert SEAL.decrypt((await stored(scenario, "slack"))["credentials"]) == b'{"bot_token":"xoxb-another"}'


async def test_the_second_of_two_who_save_sees_what_the_first_changed(scenario: Scenario) -> None:
    dana, other = browsers(scenario, "admin", "admin")
    await connect_slack(dana)
    # The same form comes twice: it is saved once.
    twice = form_in((await dana.get("/connections/new/notion")).text) | {
        "s.contacts_database": REAL["contacts_database"],
        "c.token": SECRET,
    }
    for _ in range(2):
        assert (await dana.post("/connections/new/notion", **twice)).status_code == 200
    assert len(await scenario.rows("settings_log", what="connection.added", about="notion main")) == 1
    path = f"/connections/{(await stored(scenario, 'slack'))['id']}"
    first, second = form_in((await dana.get(path)).text), form_in((await other.get(path)).text)
    assert (await dana.post(f"{path}/settings", **first | {"s.channel": "C1111111111"})).status_code == 200
    overtaken = await other.post(f"{path}/settings", **second | {"s.digest_at": "09:30"})
    assert (overtaken.status_code, "You saved this" in overtaken.text) == (409, True)
    assert re.search(r"Channel: C0123456789 → <b[^>]*>C1111111111", overtaken.text)
    assert "digest_at" not in (await stored(scenario, "slack"))["settings"], "nothing is lost, nothing is saved yet"
    agreed = form_in(overtaken.text)
    assert agreed["s.digest_at"] == "09:30"
    assert (await other.post(f"{path}/settings", **agreed)).status_code == 200
    assert (await stored(scenario, "slack"))["settings"]["digest_at"] == "09:30"
    # Two who connect the same kind at once: the second is told, and keeps what they entered.
    late = await other.post("/connections/new/slack", **second | SLACK | {"s.channel": "C2222222222", "seen": ""})
    assert (late.status_code, 'value="C2222222222"' in late.text) == (409, True)


async def test_a_test_that_fails_leaves_the_settings_saved_and_says_so(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin", faults=("Slack rejects the bot token: <b>invalid_auth</b>",))
    saved = await connect_slack(admin)
    assert saved.status_code == 422
    assert (
        "Saved, and it does not work yet. Slack rejects the bot token: &lt;b&gt;invalid_auth&lt;/b&gt;." in saved.text
    )
    assert (await stored(scenario, "slack"))["settings"]["channel"] == "C0123456789"


async def test_a_connection_is_paused_resumed_and_disconnected(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin")
    await connect_slack(admin)
    row = await stored(scenario, "slack")
    path = f"/connections/{row['id']}"
    for _ in range(2):
        assert (await admin.post(f"{path}/settings", do="pause")).status_code == 303
    assert (await stored(scenario, "slack"))["settings"]["paused"] is True
    assert "A person paused it." in (await admin.get("/connections")).text
    page = (await admin.get(path)).text
    assert "Nothing is sent to Slack until you resume it" not in page
    assert (await admin.post(path, do="resume")).status_code == 200
    assert "paused" not in (await stored(scenario, "slack"))["settings"]
    assert "Nothing waits for Slack now. Nothing more is planned for it." in (await admin.get(path)).text
    removed = await admin.post(f"{path}/settings", do="remove")
    assert (removed.status_code, removed.headers["location"]) == (303, "../../connections")
    again = await admin.post(f"{path}/settings", do="remove")
    assert (again.status_code, "somebody may have removed it" in again.text) == (404, True)
    assert await scenario.rows("connections", kind="slack") == []
    assert (await admin.get(path)).status_code == 404
    log = [one["what"] for one in await scenario.rows("settings_log", about="slack main")]
    assert sorted(log) == ["connection.added", "connection.changed", "connection.changed", "connection.removed"]


async def test_deliveries_show_what_a_person_paused_as_no_fault(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin")
    await connect_slack(admin)
    await admin.post(f"/connections/{(await stored(scenario, 'slack'))['id']}/settings", do="pause")
    async with transaction(scenario.engine) as tx:
        waits = {"paused_until": TODAY + DAY, "because": "a person paused slack", "tokens_at": TODAY}
        queue = {"workspace_id": id_of("ours"), "destination": "slack", "tokens": 1.0}
        await tx.execute(insert(destination_queues).values(**queue, **waits))
    page = (await admin.get("/deliveries")).text
    assert "Paused by a person. What is for it waits" in page
    assert "Failing" not in page, "nothing is wrong with it"


async def test_only_admins_of_the_workspace_open_it(scenario: Scenario) -> None:
    admin, member, reader, stranger = browsers(scenario, "admin", "member", "read_only", "stranger")
    await connect_slack(admin)
    path = f"/connections/{(await stored(scenario, 'slack'))['id']}"
    for other in (member, reader):
        assert "connections/new/" not in (await other.get("/connections")).text
        assert (await other.get(path)).status_code == 403
        assert (await other.get("/connections/new/notion")).status_code == 403
        assert (await other.post(f"{path}/settings", do="remove")).status_code == 403
    for do in ("save", "pause", "resume", "remove"):
        assert (await stranger.post(f"{path}/settings", do=do, **{"s.channel": "C9"})).status_code in (303, 403, 404)
    assert (await stranger.get(path)).status_code in (403, 404)
    assert (await stored(scenario, "slack"))["settings"] == {"channel": "C0123456789"}


async def test_a_connection_of_the_environment_is_shown_and_not_changed(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin")
    await connect_slack(admin)
    row = await stored(scenario, "slack")
    async with scenario.engine.begin() as tx:
        await tx.execute(text("UPDATE showup.connections SET name = 'environment' WHERE kind = 'slack'"))
    page = (await admin.get(f"/connections/{row['id']}")).text
    assert "environment defines this connection" in page
    assert "C0123456789" in page
    refused = await admin.post(f"/connections/{row['id']}/settings", **SLACK | {"seen": "", "s.channel": "C0000000002"})
    assert refused.status_code in (409, 422)
    assert (await stored(scenario, "slack"))["settings"] == {"channel": "C0123456789"}


async def test_hostile_text_is_only_text(scenario: Scenario) -> None:
    [admin] = browsers(scenario, "admin")
    values = {"c.token": "ntn", "s.contacts_database": REAL["contacts_database"], "s.booked": HOSTILE[:1900]}
    shown = form_in((await admin.get("/connections/new/notion")).text)
    saved = await admin.post("/connections/new/notion", **shown | values)
    assert (saved.status_code, "<img src=x" in saved.text) == (200, False)
    assert "<img src=x" not in (await admin.get("/settings/changes")).text
    lines = await admin.post("/connections/new/clickup", **{"s.lists": HOSTILE, "c.token": HOSTILE, "do": "save"})
    assert (lines.status_code, "<img src=x" in lines.text) == (422, False)
    assert (await admin.get("/connections/new/fax")).status_code == 404
