"""AP3: what a proposal adds up to, with exact decimals, and what is no valid offer."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from showup.proposals.document import Letterhead, document_of, file_name, number, quantity
from showup.proposals.proposal import LineItem, ProposalContent, content_faults, smallest_unit
from showup.web.dashboard.proposal_fields import form_of, parse_number

TODAY = date(2026, 3, 12)
HEAD = Letterhead(sender="Brightside", author="Dana", company="DataFlow", person="Raj", date=TODAY)
QUANTITIES = st.integers(1, 10**8).map(lambda number: Decimal(number).scaleb(-4))
PRICES = st.integers(-(10**10), 10**10).map(lambda number: Decimal(number).scaleb(-4))
LINES = st.lists(
    st.builds(LineItem, description=st.just("Seats"), quantity=QUANTITIES, unit_price=PRICES), min_size=1, max_size=5
)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])


def content(**fields: Any) -> ProposalContent:
    line = LineItem(description="Seats", quantity=Decimal(8), unit_price=Decimal(5100))
    return ProposalContent(**{"title": "Offer", "scope": "", "items": (line,), "currency": "USD"} | fields)


@settings(max_examples=25)
@given(LINES, CURRENCIES)
def test_the_printed_amounts_add_up_to_the_printed_total(items: list[LineItem], currency: str) -> None:
    offered = content(items=tuple(items), currency=currency)
    document = document_of(offered, HEAD)

    def printed(text: str) -> Decimal:
        found = parse_number(text.replace("\u200b", ""))
        assert found is not None
        return found

    assert sum(printed(row[3]) for row in document["rows"]) == printed(document["total"][1]) == offered.total
    assert all(one.amount(currency) % smallest_unit(currency) == 0 for one in items)
    for one in items:
        assert abs(one.amount(currency) - one.quantity * one.unit_price) <= smallest_unit(currency) / 2


@settings(max_examples=25)
@given(LINES, CURRENCIES)
def test_a_form_reads_back_what_it_shows(items: list[LineItem], currency: str) -> None:
    fields = {"title": "Offer", "currency": currency.lower(), "recipient": "", "valid_until": ""}
    for index, one in enumerate(items):
        shown = (one.description, quantity(one.quantity), number(one.unit_price, currency))
        fields |= dict(zip((f"d{index}", f"q{index}", f"p{index}"), shown, strict=True))
    read = form_of(fields)
    assert read.content() == content(items=tuple(items), currency=currency)
    assert [parse_number(line.amount) for line in read.lines] == [one.amount(currency) for one in items]


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(["title", "scope", "currency", "valid_until", "d0", "q0", "p0"]), st.text(max_size=20)
    )
)
def test_whatever_was_typed_can_be_shown_and_is_checked(fields: dict[str, str]) -> None:
    form = form_of(fields)
    document_of(form.readable(), HEAD)
    content_faults(form.content(), today=TODAY)


def test_half_a_cent_is_rounded_up_line_by_line() -> None:
    half = LineItem(description="Mails", quantity=Decimal(1), unit_price=Decimal("0.005"))
    assert content(items=(half, half)).total == Decimal("0.02")
    assert content(items=(half, half), currency="JPY").total == 0
    assert half.amount("EUR") == Decimal("0.005").quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"scope": "x" * 10_001}, "scope"),
        ({"currency": "dollars"}, "currency"),
        ({"valid_until": date(2026, 3, 11)}, "valid_until"),
        ({"items": ()}, "items"),
        ({"items": (LineItem(description="", quantity=Decimal(1), unit_price=Decimal(1)),)}, "items.0"),
        ({"items": (LineItem(description="x", quantity=Decimal("NaN"), unit_price=Decimal(1)),)}, "items.0"),
        ({"items": (LineItem(description="x", quantity=Decimal(1), unit_price=Decimal("1e30")),)}, "items.0"),
        ({"items": (LineItem(description="x", quantity=Decimal(1), unit_price=Decimal(-1)),)}, "items"),
    ],
)
def test_a_fault_names_its_field(fields: dict[str, Any], field: str) -> None:
    assert [*content_faults(content(**fields), today=TODAY)] == [field]
    assert content_faults(content(valid_until=TODAY), today=TODAY) == {}


def test_the_name_of_the_file_is_one_that_every_system_takes() -> None:
    assert file_name(3, "DataFlow Systems") == "Proposal 3 DataFlow Systems.pdf"
    assert file_name(1, 'a/b\\c:"<>|?*\r\n..') == "Proposal 1 a b c.pdf"
    assert len(file_name(1, "W" * 9_000)) < 120
