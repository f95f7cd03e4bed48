"""TE9: the link at the end of a mail stops follow-ups with one click, permanently, and only for its address."""

from uuid import UUID, uuid4

import pytest

from showup.access.secrets_at_rest import Seal
from showup.database.engine import driver_connection, transaction
from showup.outbox.suppressions import suppressed
from showup.outbox.unsubscribe_tokens import Subscriber, make_token, read_token
from tests.feedback.conftest import KEY, SARAH, ResendScenario

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def token(workspace: UUID, email: str = SARAH, key: str = KEY) -> str:
    return make_token(Seal.from_setting(key), workspace, email)


async def test_opening_the_link_shows_one_button_and_changes_nothing(resend: ResendScenario) -> None:
    response = await resend.client.get(f"/unsubscribe/{token(resend.workspace)}")
    assert response.status_code == 200
    assert response.text.count("<button") == 1
    assert "form-action 'self'" in response.headers["content-security-policy"]
    assert SARAH not in response.text
    assert await resend.rows("suppressions") == []


@pytest.mark.parametrize("data", [ONE_CLICK, None, {"anything": "else"}], ids=["one-click", "button", "odd"])
async def test_a_post_unsubscribes(resend: ResendScenario, data: dict[str, str] | None) -> None:
    path = f"/unsubscribe/{token(resend.workspace, 'Sarah@Acme.example')}"
    for _ in range(2):
        assert (await resend.client.post(path, data=data)).status_code == 200
    (row,) = await resend.rows("suppressions")
    assert (row["workspace_id"], row["email"]) == (resend.workspace, SARAH)
    assert (row["scope"], row["reason"]) == ("follow_up", "unsubscribed")


async def test_a_complaint_outweighs_an_unsubscribe(resend: ResendScenario) -> None:
    await resend.add_mail(mail_id="mail-1")
    await resend.client.post(f"/unsubscribe/{token(resend.workspace)}")
    await resend.receive_feedback("email.complained", email_id="mail-1")
    async with transaction(resend.engine) as tx:
        suppressions = await suppressed(await driver_connection(tx), resend.workspace, [SARAH])
    assert (suppressions[SARAH].scope, suppressions[SARAH].reason) == ("all", "complained")
    assert len(await resend.rows("suppressions")) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_forged_link_changes_nothing(resend: ResendScenario, method: str) -> None:
    valid = token(resend.workspace)
    sealed = Seal.from_setting(KEY).encrypt(b'{"webhook_secret": "whsec_"}').decode().rstrip("=")
    altered = valid[:-3] + ("AAA" if valid[-3:] != "AAA" else "BBB")
    for invalid in (altered, valid[:-4], sealed, token(resend.workspace, key="x" * 40), "x", "%00", "é", "a" * 5_000):
        response = await resend.client.request(method, f"/unsubscribe/{invalid}")
        assert (invalid, response.status_code) == (invalid, 404)
    assert await resend.rows("suppressions") == []


def test_a_token_is_opaque_and_survives_key_rotation() -> None:
    workspace = uuid4()
    new_token = token(workspace)
    assert make_token(Seal.from_setting(KEY), workspace, SARAH) != new_token
    assert set(new_token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read_token(Seal.from_setting(f"{'n' * 40},{KEY}"), new_token) == Subscriber(
        workspace_id=workspace, email=SARAH
    )
    assert read_token(Seal.from_setting("n" * 40), new_token) is None
