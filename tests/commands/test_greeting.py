"""What `showup serve` says at its start: where to look, and that mails stay here while nothing sends them (TE3)."""

from datetime import timedelta

import pytest

from showup.assembly import Ground
from showup.commands.greeting import Mailing, greeting

GROUND = Ground(url="postgresql://me@127.0.0.1/d", direct_url="postgresql://me@127.0.0.1/d", secret_keys="k")
ADDRESS = "http://127.0.0.1:8000"


KEPT = Mailing(carrier=None, has_sender=False)


def said(mailing: Mailing) -> str:
    return greeting(ADDRESS, GROUND, embedded=True, has_secret=True, mailing=mailing)


@pytest.mark.parametrize("carrier", [None, "by Resend", "by SMTP"])
def test_it_says_how_mail_leaves_or_where_it_stays(carrier: str | None) -> None:
    words = said(Mailing(carrier=carrier, has_sender=True))
    assert (f"{ADDRESS}/outbox" in words) is (carrier is None)
    assert carrier is None or carrier in words
    assert "\n\n\n" not in words.rstrip()


def test_a_carrier_without_a_sender_is_told_before_the_first_mail_fails() -> None:
    assert "[[senders]]" in said(Mailing(carrier="by Resend", has_sender=False))
    assert "[[senders]]" not in said(KEPT), "the outbox needs none"


def test_testing_mode_is_told() -> None:
    offsets = (timedelta(minutes=6), timedelta(seconds=90))
    assert "6 min, 1.5 min before a meeting" in said(Mailing(carrier=None, has_sender=False, testing=offsets))
    assert "TESTING_MODE" not in said(KEPT)
