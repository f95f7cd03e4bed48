"""TE2: the sender address of a mail."""

import re
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from showup.destinations.email.samples import SAMPLE
from showup.destinations.email.settings import SenderRule, sender_for
from showup.policy import Policy

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "showup.example.toml"
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


SEED = (
    SenderRule(address="team@revenueactivation.com", domain="revenueactivation.com"),
    SenderRule(address="team@outboundsolutions.com", domain="outboundsolutions.com"),
    SenderRule(address="benjamin.crane@revenueengineer.com", domain="revenueengineer.com"),
    SenderRule(address="team@modernfull.com", domain="modernfull.com"),
    SenderRule(address="team@everythingautomation.com", domain="everythingautomation.com"),
    SenderRule(address="team@substrate.build", domain="substrate.build"),
    SenderRule(address="team@outboundsolutions.com"),
)


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("revenueengineer.com", "benjamin.crane@revenueengineer.com"),
        ("substrate.build", "team@substrate.build"),
        ("modernfull.com", "team@modernfull.com"),
        ("elsewhere.example", "team@outboundsolutions.com"),
    ],
)
def test_the_senders_of_the_seed_are_found(domain: str, address: str) -> None:
    """Seed 001."""
    sender = sender_for(replace(SAMPLE, organizer_email=f"ann@{domain}"), SEED)
    assert sender is not None
    assert sender.address == address


_SENDER_LINES = re.findall(r"^# (\[\[senders\]\]|(?:host|domain|from) = .*)$", EXAMPLE.read_text(), re.MULTILINE)


def test_u01_a_copied_example_sends_mail_as_nobody() -> None:
    """U01: its senders are an example in comments, on names that are reserved for examples (RFC 2606)."""
    assert "senders" not in tomllib.loads(EXAMPLE.read_text())
    rows = tomllib.loads("\n".join(_SENDER_LINES))["senders"]
    senders = Policy.model_validate({"senders": rows}).senders
    assert {("host", "domain")[sender.host is None] for sender in senders} == {"host", "domain"}


def test_u01_no_file_that_is_installed_or_copied_names_a_brand() -> None:
    files = [EXAMPLE, ROOT / ".env.example", *(path for path in (ROOT / "src").rglob("*.*") if path.suffix != ".pyc")]
    domains = {rule.address.rpartition("@")[2] for rule in SEED}
    texts = {path: path.read_bytes() for path in files if path.is_file()}
    assert [str(path) for path, text in texts.items() if any(domain.encode() in text for domain in domains)] == []
    reserved = re.compile(r"(?:example\.(?:com|org|net)|\.example|localhost)$")
    addresses = re.findall(r"@([\w.-]+\w)", EXAMPLE.read_text())
    assert [domain for domain in addresses if not reserved.search(domain)] == []
