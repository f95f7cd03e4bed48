"""TE2: the sender address of a mail."""

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from showup.destinations.email.samples import SAMPLE
from showup.destinations.email.settings import SenderRule, sender_for

EXAMPLE = Path(__file__).parents[3] / "showup.example.toml"
TABLE = (
    SenderRule(address="page@us.example", host="book.us.example"),
    SenderRule(address="domain@us.example", domain="us.example"),
    SenderRule(address="both@us.example", host="cal.two.example", domain="two.example"),
    SenderRule(address="rest@us.example"),
)


@pytest.mark.parametrize(
    ("booker_url", "organizer", "address"),
    [
        ("https://book.us.example", "eve@else.example", "page@us.example"),
        ("https://BOOK.us.example:8443/ann", None, "page@us.example"),
        ("https://book.us.example", "eve@us.example", "page@us.example"),
        ("https://cal.com", "eve@us.example", "domain@us.example"),
        (None, "Eve@US.example", "domain@us.example"),
        (None, "eve@two.example", "both@us.example"),
        ("https://cal.two.example/x", "eve@else.example", "both@us.example"),
        ("https://evil-book.us.example", "eve@not-us.example", "rest@us.example"),
        ("javascript:book.us.example", None, "rest@us.example"),
        ("https://[book.us.example", "", "rest@us.example"),
    ],
)
def test_the_first_row_that_matches_is_taken(booker_url: str | None, organizer: str | None, address: str) -> None:
    sender = sender_for(replace(SAMPLE, booker_url=booker_url, organizer_email=organizer), TABLE)
    assert sender is not None
    assert sender.address == address


def test_without_a_row_for_all_others_there_may_be_none() -> None:
    assert sender_for(SAMPLE, TABLE[:2]) is None


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("revenueengineer.com", "benjamin.crane@revenueengineer.com"),
        ("substrate.build", "team@substrate.build"),
        ("modernfull.com", "team@modernfull.com"),
        ("elsewhere.example", "team@outboundsolutions.com"),
    ],
)
def test_the_example_uses_the_senders_of_the_seed(domain: str, address: str) -> None:
    """Seed 001."""
    rows = tomllib.loads(EXAMPLE.read_text())["senders"]
    table = [SenderRule(address=row["from"], host=row.get("host"), domain=row.get("domain")) for row in rows]
    sender = sender_for(replace(SAMPLE, organizer_email=f"ann@{domain}"), table)
    assert sender is not None
    assert sender.address == address
