"""The banner of `showup serve` shows its addresses, and the mail preview if no mail is sent (TE3)."""

from datetime import timedelta

import pytest

from showup.cli.banner import MailStatus, format_banner
from showup.cli.supervisor import Ready
from showup.container import ProcessConfig

CONFIG = ProcessConfig(url="postgresql://me@127.0.0.1/d", direct_url="postgresql://me@127.0.0.1/d", secret_keys="k")
ADDRESS = "http://127.0.0.1:8000"


PREVIEW_ONLY = MailStatus(carrier=None, has_sender=False)


def render_banner(mail: MailStatus, accounts: tuple[str, ...] = ("default",), token: str | None = None) -> str:
    ready = Ready(config=CONFIG, accounts=accounts, first_run_token=token)
    return format_banner(ADDRESS, ready, embedded=True, mail=mail)


def test_ap6_the_first_start_prints_a_link_that_begins() -> None:
    assert f"{ADDRESS}/signin/abc" in render_banner(PREVIEW_ONLY, token="abc")
    assert "/signin" not in render_banner(PREVIEW_ONLY), "later starts have a teammate who can sign in"


@pytest.mark.parametrize(
    ("accounts", "webhooks"),
    [
        ((), "/webhooks/calcom"),
        (("default",), "/webhooks/calcom"),
        (("acme",), "/webhooks/calcom/acme"),
        (("acme", "globex"), "/webhooks/calcom/acme (and 1 more:"),
        (("default", "acme"), "/webhooks/calcom (and 1 more:"),
    ],
)
def test_u09_any_account_with_a_secret_counts_and_its_address_is_shown(
    accounts: tuple[str, ...], webhooks: str
) -> None:
    text = render_banner(PREVIEW_ONLY, accounts)
    assert ("No account has a webhook secret" in text) is (not accounts)
    assert f" {ADDRESS}{webhooks}" in text


@pytest.mark.parametrize("carrier", [None, "by Resend", "by SMTP"])
def test_the_banner_names_the_mail_carrier_or_the_preview(carrier: str | None) -> None:
    text = render_banner(MailStatus(carrier=carrier, has_sender=True))
    assert (f"{ADDRESS}/mail" in text) is (carrier is None)
    assert carrier is None or carrier in text
    assert "\n\n\n" not in text.rstrip()


def test_a_carrier_without_a_sender_is_a_warning() -> None:
    assert "[[senders]]" in render_banner(MailStatus(carrier="by Resend", has_sender=False))
    assert "[[senders]]" not in render_banner(PREVIEW_ONLY), "the mail preview needs none"


def test_testing_mode_shows_its_offsets() -> None:
    offsets = (timedelta(minutes=6), timedelta(seconds=90))
    assert "6 min, 1.5 min before a meeting" in render_banner(
        MailStatus(carrier=None, has_sender=False, test_offsets=offsets)
    )
    assert "TESTING_MODE" not in render_banner(PREVIEW_ONLY)
