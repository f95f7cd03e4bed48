"""A webhook secret is valid until its rotation, and then for the overlap (IN1)."""

from datetime import UTC, datetime, timedelta

import pytest

from showup.access.account import Credentials, WebhookSecret, make_secret, rotate_credentials, valid_secrets

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_old_secret_stays_valid_for_a_day_after_a_rotation() -> None:
    after = rotate_credentials(Credentials(webhook_secrets=(WebhookSecret("old"),)), "new", now=NOW)
    assert valid_secrets(after.webhook_secrets, NOW + 23 * HOUR) == (b"new", b"old")
    assert valid_secrets(after.webhook_secrets, NOW + 24 * HOUR) == (b"new",)


def test_a_second_rotation_never_extends_an_earlier_expiry() -> None:
    first = rotate_credentials(Credentials(webhook_secrets=(WebhookSecret("old"),)), "new", now=NOW)
    second = rotate_credentials(first, "newer", now=NOW + 12 * HOUR)
    assert valid_secrets(second.webhook_secrets, NOW + 25 * HOUR) == (b"newer", b"new")


def test_a_rotation_without_overlap_ends_the_old_secret_at_once() -> None:
    before = Credentials(webhook_secrets=(WebhookSecret("leaked"),), api_key="k")
    after = rotate_credentials(before, "new", now=NOW, overlap=timedelta())
    assert after == Credentials(webhook_secrets=(WebhookSecret("new"),), api_key="k")


def test_rotating_to_the_current_secret_leaves_it_without_expiry() -> None:
    after = rotate_credentials(Credentials(webhook_secrets=(WebhookSecret("same"),)), "same", now=NOW)
    assert after.webhook_secrets == (WebhookSecret("same"),)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_secret_is_never_valid(blank: str) -> None:
    """IN2: anyone could sign webhooks with a blank secret."""
    assert valid_secrets([WebhookSecret(blank), WebhookSecret("good")], NOW) == (b"good",)


def test_generated_secrets_are_long_and_unique() -> None:
    assert len(make_secret()) >= 43
    assert make_secret() != make_secret()
