"""What `showup serve` says at its start: where to look, and that mails stay here while nothing sends them (TE3)."""

import pytest

from showup.assembly import Ground
from showup.commands.greeting import greeting

GROUND = Ground(url="postgresql://me@127.0.0.1/d", direct_url="postgresql://me@127.0.0.1/d", secret_keys="k")
ADDRESS = "http://127.0.0.1:8000"


@pytest.mark.parametrize("has_mail", [True, False])
def test_the_outbox_is_named_while_nothing_sends_mails(has_mail: bool) -> None:
    said = greeting(ADDRESS, GROUND, embedded=True, has_secret=True, has_mail=has_mail)
    assert (f"{ADDRESS}/outbox" in said) is not has_mail
    assert "\n\n\n" not in said.rstrip()
