"""Amounts of money as people write them in forms."""

from decimal import Decimal, InvalidOperation
from typing import Final

_MAX_AMOUNT: Final = 10**12


def parse_amount(text: str) -> Decimal | None:
    """Return the amount as people write it: `12,000` or `12 000.50`; None if it is no amount."""
    try:
        amount = Decimal(text.replace(",", "").replace(" ", "").replace("\N{NO-BREAK SPACE}", ""))
    except InvalidOperation:
        return None
    exponent = amount.as_tuple().exponent
    is_amount = amount.is_finite() and 0 <= amount < _MAX_AMOUNT and isinstance(exponent, int) and exponent >= -2
    return amount if is_amount else None


def amount_fault(amount: Decimal | None, currency: str) -> str | None:
    """Return what is wrong with an amount that somebody wrote, and with its currency; None if both are right."""
    if amount is None:
        return "Write an amount such as 12,000 or 12000.50."
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        return "Name the currency by three letters, such as EUR."
    return None
