"""Phone numbers: as people type them, and in E.164 form."""

import re

# Characters that people put between digits, and the zero that is only dialled within a country.
_BETWEEN = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015\u00a0]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(typed: str | None) -> str | None:
    """Returns the number in E.164 form; None without a country code, or if it is not a phone number."""
    digits = _BETWEEN.sub("", (typed or "").strip().removeprefix("tel:"))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return digits if _NUMBER.fullmatch(digits) else None
