"""AP4: settings. The pages run the commands of the API and the CLI, and each change is logged by its teammate."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from showup.access import accounts_store, keys_store
from showup.access.account import MIN_SECRET_LENGTH
from showup.access.keys import digest
from showup.access.secrets_at_rest import Seal
from showup.connections.senders_store import sender_rules
from showup.container import event_handlers
from showup.database.engine import transaction
from showup.destinations.email.isolated_templates import IsolatedTemplates
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.public_addresses import AddressPolicy
from showup.setup_actions import SetupContext, build_setup_actions
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import TODAY, Scenario, ticking_clock

SEAL = Seal(["a key for tests"])
SENDER = {"for": "all", "address": "hello@ours.example", "name": "Ours", "color": "#0b5d4e"}
SLOW = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
ENDED = {"group": "ended", "meeting_ended": "unreported"}


def admin_of(
    scenario: Scenario, templates: Path | None = None, *, environment_secrets: tuple[str, ...] = ()
) -> Browser:
    """Returns an admin of an app that can load and remove the sample, and render an operator's own templates."""
    clock = ticking_clock()
    actions = build_setup_actions(
        SetupContext(
            engine=scenario.engine,
            seal=SEAL,
            clock=clock,
            open_clients=lambda: pytest.fail("no page of settings calls another system"),
            public_url="https://showup.example.com",
            calcom_url="https://api.cal.com",
            environment_secrets=environment_secrets,
            carrier=None,
        )
    )

    def renderer() -> TemplateMailRenderer:
        assert templates is not None
        return TemplateMailRenderer(
            templates=IsolatedTemplates(templates), senders=(), clock=clock, fallback="showup@localhost"
        )

    app = create_app(
        engine=scenario.engine,
        clock=clock,
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
        mail_secrets=MailSecrets(seal=SEAL),
        address_policy=AddressPolicy(allow_private=True),
        setup_actions=actions,
        public_url="https://showup.example.com",
        mail_renderer=None if templates is None else renderer,
        template_folder=templates,
    )
    return Browser(app, "admin")


async def logged(scenario: Scenario) -> list[tuple[str, str]]:
    rows = await scenario.rows("settings_log", actor="teammate:admin@ours.example")
    return [(row["what"], row["about"]) for row in sorted(rows, key=lambda row: row["at"])]


def value_of(page: str, field: str) -> str:
    found = re.search(rf'name="{re.escape(field)}" value="([^"]*)"', page)
    assert found is not None, field
    return found[1]


async def test_a_key_is_shown_once_used_and_revoked(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    assert "Choose what" in (await admin.post("/settings/keys", name="ci", scope="all")).text
    assert "63 letters" in (await admin.post("/settings/keys", name=" <b> ", scope="read")).text
    # Only an admin of all workspaces may hand out all of them.
    assert (await admin.post("/settings/keys", name="ci", scope="admin", workspace="all")).status_code == 422
    created = (await admin.post("/settings/keys", name="ci", scope="write")).text
    key = created.split('id="new-key" readonly value="')[1].partition('"')[0]
    assert "already a key" in (await admin.post("/settings/keys", name="ci", scope="read")).text
    assert key not in (page := (await admin.get("/settings/keys")).text)
    assert "never used" in page
    used = await admin.get("/api/deals", Authorization=f"Bearer {key}")
    assert used.status_code == 200
    assert "last used" in (await admin.get("/settings/keys")).text
    (row,) = await scenario.rows("api_keys", name="ci")
    assert (row["digest"], row["workspace_id"]) == (digest(key), id_of("ours"))
    assert (await admin.post(f"/settings/keys/{row['id']}/revoke")).status_code == 303
    assert (await admin.post(f"/settings/keys/{row['id']}/revoke")).status_code == 303, "twice is the same"
    async with transaction(scenario.engine) as tx:
        assert await keys_store.find(tx, digest(key)) is None
    assert await logged(scenario) == [("key.created", "ci"), ("key.revoked", "ci")]


async def test_a_sender_is_added_checked_changed_and_used(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    assert "No sender yet." in (await admin.get("/settings/senders")).text
    bad = await admin.post("/settings/senders", **SENDER | {"address": "nobody", "color": "teal", "for": "all"})
    assert bad.status_code == 422
    assert bad.text.count('aria-invalid="true"') == 2, "each fault stands at its field"
    assert (await admin.post("/settings/senders", **SENDER)).status_code == 303
    assert "Another sender is for these" in (await admin.post("/settings/senders", **SENDER)).text
    page = {"for": "host", "host": "Book.Ours.example", "domain": "ignored.example", "address": "book@ours.example"}
    assert (await admin.post("/settings/senders", **page)).status_code == 303
    async with transaction(scenario.engine) as tx:
        rules = await sender_rules(tx, id_of("ours"))
    assert [(one.host, one.domain, one.address) for one in rules] == [
        ("book.ours.example", None, "book@ours.example"),
        (None, None, "hello@ours.example"),
    ]
    preview = (await admin.get("/settings/templates?kind=confirmation&view=text")).text
    assert "hello@ours.example" in preview, "the mail as it goes out has the sender"
    assert await logged(scenario) == [("sender.added", "hello@ours.example"), ("sender.added", "book@ours.example")]


async def test_who_saves_a_sender_second_sees_what_the_first_one_changed(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    await admin.post("/settings/senders", **SENDER)
    (row,) = await scenario.rows("senders")
    path = f"/settings/senders/{row['id']}"
    shown = (await admin.get(path)).text
    hidden = {name: value_of(shown, name) for name in ("seen", "was.name", "was.address", "was.color")}
    first = await admin.post(path, **SENDER | hidden | {"name": "First"})
    assert first.status_code == 303
    second = await admin.post(path, **SENDER | {"name": "Second"}, **hidden)
    assert second.status_code == 409
    assert "You saved this" in second.text
    assert "Brand: Ours → " in second.text
    assert "First" in second.text
    assert 'value="Second"' in second.text, "nothing that was entered is lost"
    again = {name: value_of(second.text, name) for name in hidden}
    assert (await admin.post(path, **SENDER | {"name": "Second"}, **again)).status_code == 303
    assert [one["name"] for one in await scenario.rows("senders")] == ["Second"]
    assert (await admin.post(path, do="remove")).status_code == 303
    assert (await admin.post(path, **SENDER)).status_code == 404


async def test_a_rule_is_tried_on_the_history_saved_and_undone(scenario: Scenario) -> None:
    """PI8 on a page: the effect is the one that saving has, and trying leaves nothing behind."""
    admin = admin_of(scenario)
    before = await attendances(scenario)
    tried = await admin.post("/settings/rules", **ENDED, do="try")
    assert tried.status_code == 200
    assert "This would change the outcome of 1 meeting and 1 deal" in tried.text
    assert "assumed" in tried.text
    assert await attendances(scenario) == before
    assert await scenario.rows("rules") == []
    seen = value_of(tried.text, "seen")
    saved = await admin.post("/settings/rules", **ENDED, do="save", since="always", seen=seen)
    assert saved.headers["location"].endswith("settings/rules?saved=ended")
    assert await attendances(scenario) != before
    page = (await admin.get("/settings/rules?saved=ended")).text
    assert "set by you" in page or "by you" in page
    event = value_of(page, "event")
    assert (await admin.post("/settings/rules", group="ended", do="undo", event=event)).status_code == 303
    assert await attendances(scenario) == before
    assert (await admin.post("/settings/rules", group="ended", do="undo", event=event)).status_code == 409
    rules = await scenario.rows("rules")
    events = {row["event_id"] for row in rules}
    entries = [row for row in await scenario.rows("audit_log") if row["event_id"] in events]
    assert {row["what"] for row in entries} >= {"rules.changed"}
    assert "changed rules" in (await admin.get("/settings/changes")).text


async def test_who_saves_a_rule_second_sees_what_the_first_one_changed(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    form = {"group": "when", "remind_before": "1d, 30m"}
    assert (await admin.post("/settings/reminders", **form, do="save", seen="", since="now")).status_code == 303
    late = {"group": "when", "remind_before": "2h"}
    second = await admin.post("/settings/reminders", **late, do="save", seen="", since="now")
    assert second.status_code == 409
    assert "Before the meeting: 3d, 1d, 2h → " in second.text
    assert "1d, 30m" in second.text
    assert 'value="2h"' in second.text
    assert len(await scenario.rows("rules")) == 1
    # Another group of rules was not touched, so nothing stands in its way.
    other = {"group": "cancelled", "cancel_deal": "last_meeting"}
    assert (await admin.post("/settings/rules", **other, do="save", seen="")).status_code == 303
    seen = value_of(second.text, "seen")
    assert (await admin.post("/settings/reminders", **late, do="save", seen=seen)).status_code == 303


REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("reminders", {"group": "when", "remind_before": "soon"}, "a duration such as 30s, 30m, 24h or 3d"),
    ("rules", {"group": "stages", "stages": "met\nwon"}, "begins with"),
    ("rules", {"group": "ended", "meeting_ended": "maybe"}, "one of the answers"),
    ("domains", {"group": "personal", "personal_domains": "not a domain"}, "a domain such as example.com"),
    ("outcome", {"group": "follow-up", "follow_up": "yes", "follow_up_after": "soon"}, "a duration such as"),
)


async def test_a_refused_rule_says_why_at_its_field(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    for path, form, because in REFUSED:
        response = await admin.post(f"/settings/{path}", **form, do="save", seen="")
        assert (path, response.status_code, because in response.text) == (path, 422, True)
        assert 'class="field__fault"' in response.text
    assert await scenario.rows("rules") == []


async def test_a_stage_with_active_deals_stays(scenario: Scenario) -> None:
    """M10: the refusal names the deals, and the page stands."""
    admin = admin_of(scenario)
    assert (
        await admin.post("/settings/rules", group="stages", stages="booked\nmet\nextra", do="save")
    ).status_code == 303
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.deals SET stage = 'extra' WHERE status = 'active'")
    page = (await admin.get("/settings/rules")).text
    seen = re.findall(r'name="seen" value="([^"]*)"', page)[2]
    refused = await admin.post("/settings/rules", group="stages", stages="booked\nmet", do="save", seen=seen)
    assert refused.status_code == 422
    assert "in the stage extra" in refused.text


async def attendances(scenario: Scenario) -> list[tuple[Any, ...]]:
    rows = await scenario.rows("bookings", workspace_id=id_of("ours"))
    return sorted((row["calcom_uid"], row["attended"], row["attendance_evidence"]) for row in rows)


async def test_mails_are_previewed_about_a_real_booking_and_slow_templates_end(
    scenario: Scenario, tmp_path: Path
) -> None:
    """An operator's template runs in a process with a deadline, and its fault is shown with its line."""
    (tmp_path / "confirmation.subject.txt").write_text("Welcome, {{ guest_name }}")
    (tmp_path / "cancelled.subject.txt").write_text(SLOW)
    (tmp_path / "new_host.subject.txt").write_text("\n{{ nothing_of_this_name }}")
    admin = admin_of(scenario, tmp_path)
    booking = await scenario.booking_id("ahead")
    page = await admin.get(f"/settings/templates?kind=confirmation&booking={booking}")
    assert "Welcome, " in page.text
    assert "sarah@acme.com" in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert str(tmp_path) in page.text
    frame = await admin.get(f"/settings/templates/mail?kind=reminder_2h&booking={booking}")
    assert "sandbox" in frame.headers["content-security-policy"]
    for kind, because in (("cancelled", "took more than 2 s"), ("new_host", "new_host.subject.txt, line 2")):
        assert because in (await admin.get(f"/settings/templates?kind={kind}&booking={booking}")).text
    theirs = await scenario.booking_id("ahead", "theirs")
    assert (await admin.get(f"/settings/templates?booking={theirs}")).status_code == 404


async def test_accounts_are_added_and_their_secrets_rotate(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    assert (await admin.post("/settings/accounts", name="Not a Slug")).status_code == 422
    added = (await admin.post("/settings/accounts", name="agency")).text
    secret = added.split('id="new-secret" readonly value="')[1].partition('"')[0]
    assert len(secret) >= MIN_SECRET_LENGTH
    assert "https://showup.example.com/webhooks/calcom/agency" in added
    assert secret not in (await admin.get("/settings/accounts")).text
    assert "taken" in (await admin.post("/settings/accounts", name="theirs-calcom")).text
    await admin.post("/settings/accounts/agency")
    async with transaction(scenario.engine) as tx:
        (account,) = await accounts_store.list_accounts(tx, ["agency"])
    newest, older = account.credentials(SEAL).webhook_secrets
    assert (older.value, newest.valid_until) == (secret, None)
    assert older.valid_until is not None
    assert older.valid_until > TODAY + timedelta(hours=23)
    assert (await admin.post("/settings/accounts/theirs-calcom")).status_code == 404
    assert await logged(scenario) == [("account.added", "agency"), ("account.secret_rotated", "agency")]


async def test_webhooks_are_added_tested_paused_and_deleted(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    assert "begins with https://" in (await admin.post("/settings/webhooks", **{"kind.deal.won": "on"})).text
    url = {"url": "https://crm.example.com/in", "description": "<i>CRM</i>"}
    assert "Choose at least one" in (await admin.post("/settings/webhooks", **url)).text
    added = (await admin.post("/settings/webhooks", **url, **{"kind.deal.won": "on"})).text
    secret = added.split('id="new-secret" readonly value="')[1].partition('"')[0]
    assert secret.startswith("whsec_")
    assert "&lt;i&gt;CRM" in added
    (row,) = await scenario.rows("endpoints", url=url["url"])
    path = f"/settings/webhooks/{row['id']}"
    assert (await admin.post(path, do="test")).headers["location"].endswith(f"?sent={row['id']}")
    assert len(await scenario.rows("deliveries", kind="ping")) == 1
    assert (await admin.post(path, do="pause")).status_code == 303
    assert "paused" in (await admin.get("/settings/webhooks")).text
    assert (await admin.post(path, do="test")).status_code == 409
    assert (await admin.post(path, do="resume")).status_code == 303
    assert secret not in (rotated := (await admin.post(path, do="rotate")).text)
    assert "whsec_" in rotated
    assert (await admin.post(path, do="remove")).status_code == 303
    assert (await admin.post(path, do="test")).status_code == 404
    kinds = [what.partition(".")[2] for what, _ in await logged(scenario)]
    assert kinds == ["created", "changed", "changed", "secret_rotated", "deleted"]


async def test_workspaces_are_renamed_and_added_by_admins_of_all(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    was = {"was.name": "Ours", "was.time_zone": "UTC"}
    renamed = {"name": "Ours & Co", "time_zone": "Europe/Oslo"}
    assert (await admin.post("/settings/workspaces", do="change", **renamed, **was)).status_code == 303
    late = await admin.post("/settings/workspaces", do="change", name="Other", time_zone="UTC", **was)
    assert (late.status_code, "It is now" in late.text) == (409, True)
    new = {"new_name": "Acme", "slug": "acme", "new_time_zone": "UTC"}
    assert (await admin.post("/settings/workspaces", do="add", **new)).status_code == 403
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.memberships SET workspace_id = NULL WHERE role = 'admin'")
    assert (await admin.post("/settings/workspaces", do="add", **new | {"slug": "simulation"})).status_code == 422
    assert (await admin.post("/settings/workspaces", do="add", **new)).status_code == 303
    assert "already a workspace" in (await admin.post("/settings/workspaces", do="add", **new)).text
    assert [row["name"] for row in await scenario.rows("workspaces", slug="acme")] == ["Acme"]
    assert await logged(scenario) == [("workspace.changed", "Ours"), ("workspace.added", "Acme")]


async def test_the_environments_settings_are_shown_and_have_no_form(scenario: Scenario) -> None:
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.connections SET name = 'default' WHERE name = 'ours-calcom'")
    admin = admin_of(scenario, environment_secrets=("a secret of the server",))
    page = (await admin.get("/settings/accounts")).text
    assert "CALCOM_WEBHOOK_SECRET" in page
    assert 'value="rotate"' not in page
    assert (await admin.post("/settings/accounts/default")).status_code == 409


async def test_the_sample_is_counted_and_removed(scenario: Scenario) -> None:
    admin = admin_of(scenario)
    assert "not loaded" in (await admin.get("/settings/sample")).text
    assert (await admin.post("/settings/sample", do="load")).status_code == 303
    assert (await admin.post("/settings/sample", do="remove-sample")).status_code == 303
    assert "not loaded" in (await admin.get("/settings/sample")).text
    assert [what for what, _ in await logged(scenario)] == ["sample.loaded", "sample.removed"]


async def test_members_see_their_own_settings_and_nothing_that_they_may_not_use(teammate_of: BrowserFactory) -> None:
    member = teammate_of("member")
    page = (await member.get("/settings")).text
    assert "API keys" not in page
    assert "Teammates" in page
    profile = {"name": "Ola", "time_zone": "Europe/Oslo", "clock": "12h"}
    assert (await member.post("/settings", **profile)).status_code == 303
    assert 'value="Ola"' in (await member.get("/settings?saved=yes")).text
    assert (await member.post("/settings", **profile | {"time_zone": "Nowhere"})).status_code == 422
