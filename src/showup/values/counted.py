"""A number with the noun that it counts: "1 row", "2 rows", "1,000 deliveries"."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return the number with its noun in the right form; `plural` is needed where it is not `noun` with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
