"""Phone numbers as Twilio takes them. Pure."""

import re

# What people put between digits, and the zero that is only dialled at home.
_BETWEEN = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015\u00a0]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(typed: str | None) -> str | None:
    """The number with its country's code, as E.164 has it; None for one without, or for what is no number."""
    digits = _BETWEEN.sub("", (typed or "").strip().removeprefix("tel:"))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return digits if _NUMBER.fullmatch(digits) else None
