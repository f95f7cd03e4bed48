"""The steps of the first run: what they store and refuse, and that each can be changed; Today says why mail waits."""

import pytest

from showup.access.connection import Connection
from showup.container import event_handlers
from showup.dispatch.connection_check import ConnectionCheck
from showup.web.app import create_app
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import Scenario, ticking_clock

SERVER = "smtp://ann:secret@mail.example.com"


@pytest.fixture
def asked() -> list[str]:
    """The kinds of connections that were tried."""
    return []


@pytest.fixture
def admin(scenario: Scenario, asked: list[str]) -> Browser:
    """An admin of an app whose far mail server refuses the password."""

    async def refuse(connection: Connection) -> ConnectionCheck:
        asked.append(connection.kind)
        return ConnectionCheck(faults=["mail.example.com refuses the password"] if connection.kind == "smtp" else [])

    return Browser(
        create_app(
            engine=scenario.engine,
            clock=ticking_clock(),
            admin_key=ADMIN_KEY,
            version="0",
            event_handlers=event_handlers(),
            check_connection=refuse,
        ),
        "admin",
    )


async def carriers(scenario: Scenario) -> list[str]:
    """Returns the kinds of the stored mail connections."""
    return [row["kind"] for row in await scenario.rows("connections") if row["kind"] in ("resend", "smtp")]


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("mail.example.com", "This is not an SMTP address"),
        ("smtp://mail.example.com?tls=1", "unknown option"),
        ("smtp://127.0.0.1:2525", "127.0.0.1"),
        ("", "Enter smtp://"),
        ("smtp://mail\x01.example.com", "Enter smtp://"),
    ],
)
async def test_an_unusable_mail_server_is_not_stored(
    admin: Browser, scenario: Scenario, url: str, because: str
) -> None:
    response = await admin.post("/setup/mail", calcom_mails="no", carrier="smtp", smtp_url=url)
    assert response.status_code == 422
    assert because in response.text
    assert await carriers(scenario) == []


async def test_a_fault_of_the_mail_server_is_shown_at_once_and_the_carrier_can_be_changed(
    admin: Browser, scenario: Scenario, asked: list[str]
) -> None:
    """The first run leads to mail that goes out, and no choice is final."""
    refused = await admin.post("/setup/mail", calcom_mails="yes", carrier="smtp", smtp_url=SERVER)
    assert refused.status_code == 422
    assert "Saved, and mail waits until this is corrected: mail.example.com refuses the password." in refused.text
    assert (await carriers(scenario), asked) == (["smtp"], ["smtp"])
    assert (await admin.post("/setup/mail", calcom_mails="yes", carrier="resend", resend_key="re_1")).status_code == 303
    assert await carriers(scenario) == ["resend"]
    page = (await admin.get("/setup?step=mail")).text
    assert 'value="resend" checked' in page
    assert "re_1" not in page
    assert (await admin.post("/setup/mail", calcom_mails="no", carrier="resend")).status_code == 303, "its key stays"
    assert (await carriers(scenario), asked) == (["resend"], ["smtp"])
    assert (await admin.post("/setup/mail", calcom_mails="no", carrier="preview")).status_code == 303
    assert await carriers(scenario) == []


async def test_today_says_why_mail_waits(admin: Browser, scenario: Scenario) -> None:
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql(
            "UPDATE showup.deliveries SET due_at = '2026-09-14 11:00Z'"
            " WHERE state = 'scheduled' AND destination = 'email'"
        )
        await tx.exec_driver_sql(
            "INSERT INTO showup.destination_queues"
            " (workspace_id, destination, tokens, tokens_at, paused_until, because)"
            " SELECT id, 'email', 1, '2026-09-14 11:00Z', '2026-09-14 11:59Z', 'the password <b> is wrong'"
            " FROM showup.workspaces WHERE slug = 'ours'"
        )
    page = (await admin.get("/")).text
    assert "Mail: 1 delivery waits" in page
    assert "Since 11:00: the password &lt;b&gt; is wrong. Showup tries again by itself." in page


async def test_the_step_of_calcom_shows_the_newest_booking(admin: Browser) -> None:
    page = (await admin.get("/setup?step=calcom")).text
    assert "Bookings arrive here" in page
    assert "The newest: " in page
