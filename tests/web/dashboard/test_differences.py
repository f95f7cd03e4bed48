"""Marking what differs between an attendee and a lead: all of the text stays, in order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showup.web.dashboard.differences import MarkedText, mark_address, mark_words


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("Hannah Okafor", "hannah okafor", "Hannah Okafor"),
        ("Fernwood Clinics", "Fernwood", "Fernwood [Clinics]"),
        ("Fernwood Health Clinics", "Fernwood", "Fernwood [Health Clinics]"),
        ("J. Müller", "Jan Müller", "[J]. Müller"),
        ("Fernwood", None, "Fernwood"),
        (None, "Fernwood", ""),
    ],
)
def test_words_that_the_other_has_not_are_marked(text: str | None, other: str | None, expected: str) -> None:
    assert shown(mark_words(text, other)) == expected


@pytest.mark.parametrize(
    ("address", "other", "expected"),
    [
        ("pat@gmail.com", "pat@acme.com", "pat[@gmail.com]"),
        ("p.n@acme.com", "pat@acme.com", "[p.n]@acme.com"),
        ("p.n@gmail.com", "pat@acme.com", "[p.n@gmail.com]"),
        ("PAT@acme.com", "pat@acme.com", "PAT@acme.com"),
    ],
)
def test_an_address_is_marked_where_it_differs(address: str, other: str, expected: str) -> None:
    assert shown(mark_address(address, other)) == expected


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_letter_is_lost(text: str, other: str) -> None:
    for parts in (mark_words(text, other), mark_address(text, other)):
        assert "".join(part.text for part in parts) == text


def shown(parts: list[MarkedText]) -> str:
    return "".join(f"[{part.text}]" if part.is_marked else part.text for part in parts)
