"""The fields of a proposal's form: read as people write them, and filled with what is known. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from msgspec import Struct

from showup.proposals.document import number, quantity
from showup.proposals.proposal import MAX_ITEMS, LineItem, ProposalContent
from showup.reads.proposals import FoundProposal, ProposalContext
from showup.reads.usual_currency import DEFAULT_CURRENCY

_VALID_FOR: Final = timedelta(days=14)
_SPACES: Final = dict.fromkeys(map(ord, ", \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"))
_MINUS: Final = "\N{MINUS SIGN}"
_UNREADABLE: Final = Decimal("NaN")


class FormLine(Struct, frozen=True, kw_only=True):
    """A line as somebody typed it; `amount` is empty while its numbers can't be read."""

    description: str = ""
    quantity: str = ""
    price: str = ""
    amount: str = ""


class ProposalForm(Struct, frozen=True, kw_only=True):
    """A form as somebody typed it."""

    title: str
    scope: str
    currency: str
    valid_until: str
    recipient: str
    lines: Sequence[FormLine]

    def content(self, notes: str | None = None) -> ProposalContent:
        """Return what is offered; a number or a day that can't be read is invalid in it, and empty lines are left out.

        `notes` are those of the proposal before: the form does not show them.
        """
        return ProposalContent(
            title=self.title,
            scope=self.scope,
            items=tuple(_item(one) for one in self.lines if one.description or one.price),
            currency=self.currency,
            valid_until=_day(self.valid_until),
            recipient=self.recipient or None,
            notes=notes,
        )

    def readable(self) -> ProposalContent:
        """Return what can be shown while somebody types: the lines whose numbers can be read, and a title."""
        content = self.content()
        currency = content.currency if len(content.currency) == 3 and content.currency.isalpha() else DEFAULT_CURRENCY
        items = tuple(one for one in content.items if one.quantity.is_finite() and one.unit_price.is_finite())
        day = content.valid_until if content.valid_until != date.min else None
        return ProposalContent(
            title=content.title or "Proposal",
            scope=content.scope,
            items=items,
            currency=currency,
            valid_until=day,
            recipient=content.recipient,
        )


def parse_number(text: str) -> Decimal | None:
    """Return a number as people write it, such as `5,100.00` or `−1 200.5`; None if it is none."""
    try:
        found = Decimal(text.replace(_MINUS, "-").translate(_SPACES))
    except InvalidOperation:
        return None
    exponent = found.as_tuple().exponent
    is_usual = isinstance(exponent, int) and -12 <= exponent <= 12 and len(found.as_tuple().digits) <= 20
    return found if is_usual else None


def form_of(fields: Mapping[str, str]) -> ProposalForm:
    """Return what was typed."""
    currency = fields.get("currency", "").upper()
    lines = [
        FormLine(
            description=fields.get(f"d{index}", ""),
            quantity=fields.get(f"q{index}", ""),
            price=fields.get(f"p{index}", ""),
        )
        for index in range(MAX_ITEMS)
        if f"d{index}" in fields
    ]
    return ProposalForm(
        title=fields.get("title", ""),
        scope=fields.get("scope", "").replace("\r\n", "\n"),
        currency=currency,
        valid_until=fields.get("valid_until", ""),
        recipient=fields.get("recipient", ""),
        lines=with_amounts(lines, currency),
    )


def with_amounts(lines: Sequence[FormLine], currency: str) -> list[FormLine]:
    """Return the lines with their amounts."""
    return [
        FormLine(description=one.description, quantity=one.quantity, price=one.price, amount=_amount(one, currency))
        for one in lines
    ]


def filled_in(context: ProposalContext, known: FoundProposal | None, today: date, currency: str) -> ProposalForm:
    """Return the form before anybody typed: a known proposal's, else what the meeting and its deal say.

    `currency` of a new one.
    """
    if known is not None:
        content = known.content
        lines = [
            FormLine(
                description=one.description,
                quantity=quantity(one.quantity),
                price=number(one.unit_price, content.currency),
            )
            for one in content.items
        ]
        is_open = content.valid_until is not None and content.valid_until >= today
        day = content.valid_until if is_open else today + _VALID_FOR
        return ProposalForm(
            title=content.title,
            scope=content.scope,
            currency=content.currency,
            valid_until="" if day is None else day.isoformat(),
            recipient=content.recipient or "",
            lines=with_amounts(lines, content.currency),
        )
    line = FormLine(quantity="1", price="" if context.amount is None else number(context.amount, currency))
    return ProposalForm(
        title=f"Proposal for {context.company}"[:200] if context.company else "Proposal",
        scope="",
        currency=currency,
        valid_until=(today + _VALID_FOR).isoformat(),
        recipient=context.recipients[0].email if context.recipients else "",
        lines=with_amounts([line], currency),
    )


def _item(line: FormLine) -> LineItem:
    count = Decimal(1) if not line.quantity else parse_number(line.quantity)
    price = parse_number(line.price)
    return LineItem(
        description=line.description,
        quantity=_UNREADABLE if count is None else count,
        unit_price=_UNREADABLE if price is None else price,
    )


def _amount(line: FormLine, currency: str) -> str:
    item = _item(line)
    is_known = len(currency) == 3 and currency.isascii() and currency.isalpha()
    if not (line.price and is_known and item.quantity.is_finite() and item.unit_price.is_finite()):
        return ""
    return number(item.amount(currency), currency)


def _day(text: str) -> date | None:
    """Return the day; one that can't be read is in the past, so that it is refused."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min
