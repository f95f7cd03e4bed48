"""A proposal: its lines with exact amounts, its state, and what makes its content invalid. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, TypeAlias
from uuid import UUID

from babel.numbers import get_currency_precision
from msgspec import Struct

ProposalStatus: TypeAlias = Literal["draft", "ready", "sent", "accepted", "declined"]
Mark: TypeAlias = Literal["sent", "accepted", "declined"]
"""What a person says became of a proposal that has a PDF."""

MAX_ITEMS: Final = 25
MAX_TITLE: Final = 200
MAX_DESCRIPTION: Final = 500
MAX_TEXT: Final = 10_000
_MAX_QUANTITY: Final = Decimal(10**6)
_MAX_MONEY: Final = Decimal(10**12)
_DECIMALS: Final = 4
# Amounts of deals have cents, so currencies with three decimals are rounded to two.
_MAX_PRECISION: Final = 2


class LineItem(Struct, frozen=True, kw_only=True):
    """One line: `unit_price` in units of the proposal's currency; a negative one is a discount."""

    description: str
    quantity: Decimal
    unit_price: Decimal

    def amount(self, currency: str) -> Decimal:
        """Return quantity times price, rounded half up to the smallest unit of the currency."""
        return (self.quantity * self.unit_price).quantize(smallest_unit(currency), ROUND_HALF_UP)


class ProposalContent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is offered. `recipient` is the address of the person it is for; `notes` are the team's, not in the PDF."""

    title: str
    scope: str
    items: tuple[LineItem, ...]
    currency: str
    valid_until: date | None = None
    recipient: str | None = None
    notes: str | None = None

    @property
    def total(self) -> Decimal:
        """Return the sum of the rounded amounts, as the lines of the document add up."""
        return sum((one.amount(self.currency) for one in self.items), start=smallest_unit(self.currency) * 0)


class Proposal(Struct, frozen=True, kw_only=True):
    """A proposal and its state. `number` counts those of its company; `version` counts how often it was saved.

    `marked_by` is the event that set the present `sent`, `accepted` or `declined`; None in the other states.
    """

    id: UUID
    number: int
    status: ProposalStatus
    content: ProposalContent
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None = None
    sent_at: datetime | None = None
    decided_at: datetime | None = None
    marked_by: UUID | None = None


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest unit, as Unicode CLDR gives it: 0.01 for USD, 1 for JPY; an unknown currency has cents."""
    return Decimal(1).scaleb(-min(get_currency_precision(currency), _MAX_PRECISION))


def edit_conflict(status: ProposalStatus) -> str | None:
    """Return why a proposal in this state can't be changed; None if it can."""
    return None if status in ("draft", "ready") else f"the proposal is {status} already: make a new one instead"


def mark_conflict(status: ProposalStatus, mark: Mark) -> str | None:
    """Return why a proposal in this state can't be marked; None if it can."""
    if status == "draft":
        return "the proposal is a draft: make its PDF first"
    if status == "accepted" and mark != "accepted":
        return "the proposal is accepted already: undo that first"
    if status == "declined" and mark == "sent":
        return "the proposal is declined already: undo that first"
    return None


def content_faults(content: ProposalContent, *, today: date) -> dict[str, str]:
    """Return how to correct each invalid field, by its name; `items.0` and so on are lines, from 0."""
    faults = {}
    if not 0 < len(content.title) <= MAX_TITLE:
        faults["title"] = f"Write a title, in up to {MAX_TITLE} characters."
    for name, text in (("scope", content.scope), ("notes", content.notes or "")):
        if len(text) > MAX_TEXT:
            faults[name] = f"Write up to {MAX_TEXT:,} characters."
    if content.valid_until is not None and content.valid_until < today:
        faults["valid_until"] = "Choose today or a later day."
    if not (len(content.currency) == 3 and content.currency.isascii() and content.currency.isupper()):
        faults["currency"] = "Name the currency by three letters, such as EUR."
        return faults
    return faults | _item_faults(content.items, content.currency)


def _item_faults(items: Sequence[LineItem], currency: str) -> dict[str, str]:
    if not 0 < len(items) <= MAX_ITEMS:
        return {"items": f"Write 1 to {MAX_ITEMS} lines."}
    faults = {f"items.{index}": fault for index, one in enumerate(items) if (fault := _line_fault(one, currency))}
    if not faults:
        total = sum(one.amount(currency) for one in items)
        if not 0 <= total < _MAX_MONEY:
            faults["items"] = "The total must be 0 or more." if total < 0 else "The total is too large."
    return faults


def _line_fault(item: LineItem, currency: str) -> str | None:
    if not 0 < len(item.description) <= MAX_DESCRIPTION:
        return f"Describe the line, in up to {MAX_DESCRIPTION} characters."
    if not (_is_exact(item.quantity) and 0 < item.quantity <= _MAX_QUANTITY):
        return "Write a quantity above 0, with at most four decimals."
    if not (_is_exact(item.unit_price) and abs(item.unit_price) < _MAX_MONEY):
        return "Write a price such as 1,200 or 1200.50."
    return None if abs(item.amount(currency)) < _MAX_MONEY else "The amount is too large."


def _is_exact(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return number.is_finite() and isinstance(exponent, int) and -_DECIMALS <= exponent <= 12
