"""The page that a prospect reads, as plain texts: what is written where, with numbers as they are printed. Pure."""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from babel.numbers import get_currency_name
from msgspec import Struct, to_builtins

from showup.proposals.proposal import LineItem, ProposalContent, smallest_unit

_HEAD: Final = ("Description", "Quantity", "Unit price", "Amount")
# Longer runs of letters would leave the page: they may be broken after so many.
_BREAK_AFTER: Final = 24
_BREAK: Final = "\N{ZERO WIDTH SPACE}"


class Drawing(Struct, frozen=True, kw_only=True):
    """What the process that draws answers: the PDF file (empty if only the picture was asked for), a picture of the
    first page, and the number of pages; or why it can't be drawn.
    """

    pdf: bytes = b""
    picture: bytes = b""
    pages: int = 0
    fault: str = ""


class Letterhead(Struct, frozen=True, kw_only=True):
    """Who offers it, and to whom: the sender's name, the author and their address, the company and the person.

    `logo`: a PNG image that stands for the sender's name.
    """

    sender: str
    author: str
    company: str
    person: str | None
    date: date
    logo: bytes | None = None


def document_of(content: ProposalContent, head: Letterhead) -> dict[str, Any]:
    """Return the texts of the page, and the bytes of the logo as numbers, as typst takes an image without a file."""
    valid = f"This proposal is valid until {long_date(content.valid_until)}. " if content.valid_until else ""
    document = {
        "sender": head.sender,
        "date": long_date(head.date),
        "to": [head.company, *([head.person] if head.person else [])],
        "title": content.title,
        "scope": [block.split("\n") for block in content.scope.replace("\r", "").split("\n\n") if block.strip()],
        "head": _HEAD,
        "rows": [_row(one, content.currency) for one in content.items],
        "total": [f"Total, {currency_name(content.currency)}", number(content.total, content.currency)],
        "valid": f"{valid}To accept it, reply to the mail it came with.",
        "author": head.author,
    }
    broken: dict[str, Any] = _breakable(to_builtins(document))
    return broken if head.logo is None else {**broken, "logo": list(head.logo)}


def number(amount: Decimal, currency: str) -> str:
    """Return an amount with the decimals of its currency, or with more if it has more: `5,100.00`."""
    decimals = -int(smallest_unit(currency).as_tuple().exponent)
    own = -int(amount.normalize().as_tuple().exponent)
    return f"{amount:,.{max(decimals, own)}f}".replace("-", "\N{MINUS SIGN}")


def quantity(value: Decimal) -> str:
    """Return a quantity without zeros at its end: `8`, `2.5`."""
    plain = f"{value:,f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def currency_name(currency: str) -> str:
    """Return a currency's name in the plural, such as `US dollars`; an unknown one's letters."""
    name: str = get_currency_name(currency, count=2, locale="en")
    return name


def long_date(day: date) -> str:
    """Return a date such as `26 March 2026`."""
    return f"{day.day} {day:%B %Y}"


def file_name(number: int, company: str) -> str:
    """Return the name of the PDF file, without what file systems refuse."""
    name = "".join(" " if one in '/\\:*?"<>|' or not one.isprintable() else one for one in company)
    return f"Proposal {number} {' '.join(name.split())[:80]}".rstrip(" .") + ".pdf"


def _row(item: LineItem, currency: str) -> list[str]:
    return [
        item.description,
        quantity(item.quantity),
        number(item.unit_price, currency),
        number(item.amount(currency), currency),
    ]


def _breakable(value: Any) -> Any:
    match value:
        case str():
            return " ".join(_broken(word) for word in value.split(" "))
        case list() | tuple():
            return [_breakable(one) for one in value]
        case _:
            return {name: _breakable(one) for name, one in value.items()}


def _broken(word: str) -> str:
    parts = [word[start : start + _BREAK_AFTER] for start in range(0, len(word), _BREAK_AFTER)]
    return _BREAK.join(parts)
