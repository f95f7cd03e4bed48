"""A link at the end of a mail stops what nobody asked for: by one click, for ever, and for its address alone (TE9)."""

from uuid import UUID, uuid4

import pytest

from showup.access.secrets_at_rest import Seal
from showup.database.engine import raw, transaction
from showup.deliveries.suppressions import suppressed
from showup.deliveries.unsubscribing import Subscriber, make_token, read_token
from tests.feedback.conftest import KEY, SARAH, Post

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def token(workspace: UUID, email: str = SARAH, key: str = KEY) -> str:
    return make_token(Seal.of(key), workspace, email)


async def test_opening_the_link_changes_nothing_and_shows_one_button(post: Post) -> None:
    answer = await post.client.get(f"/unsubscribe/{token(post.workspace)}")
    assert answer.status_code == 200
    assert answer.text.count("<button") == 1
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert SARAH not in answer.text
    assert await post.rows("suppressions") == []


@pytest.mark.parametrize("data", [ONE_CLICK, None, {"anything": "else"}], ids=["one-click", "button", "odd"])
async def test_a_post_unsubscribes(post: Post, data: dict[str, str] | None) -> None:
    path = f"/unsubscribe/{token(post.workspace, 'Sarah@Acme.example')}"
    for _ in range(2):
        assert (await post.client.post(path, data=data)).status_code == 200
    (row,) = await post.rows("suppressions")
    assert (row["workspace_id"], row["email"]) == (post.workspace, SARAH)
    assert (row["scope"], row["reason"]) == ("follow_up", "unsubscribed")


async def test_where_both_hold_all_mail_is_stopped(post: Post) -> None:
    await post.sent(mail_id="mail-1")
    await post.client.post(f"/unsubscribe/{token(post.workspace)}")
    await post.says("email.complained", email_id="mail-1")
    async with transaction(post.engine) as tx:
        found = await suppressed(await raw(tx), post.workspace, [SARAH])
    assert (found[SARAH].scope, found[SARAH].reason) == ("all", "complained")
    assert len(await post.rows("suppressions")) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_that_was_not_made_here_does_nothing(post: Post, method: str) -> None:
    good = token(post.workspace)
    sealed = Seal.of(KEY).close(b'{"webhook_secret": "whsec_"}').decode().rstrip("=")
    changed = good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB")
    for wrong in (changed, good[:-4], sealed, token(post.workspace, key="x" * 40), "x", "%00", "é", "a" * 5_000):
        answer = await post.client.request(method, f"/unsubscribe/{wrong}")
        assert (wrong, answer.status_code) == (wrong, 404)
    assert await post.rows("suppressions") == []


def test_a_token_says_nothing_without_the_key_and_survives_a_new_one() -> None:
    workspace = uuid4()
    made = token(workspace)
    assert make_token(Seal.of(KEY), workspace, SARAH) != made
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read_token(Seal.of(f"{'n' * 40},{KEY}"), made) == Subscriber(workspace_id=workspace, email=SARAH)
    assert read_token(Seal.of("n" * 40), made) is None
