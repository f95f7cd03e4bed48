"""The error of a value that cannot be read."""


class InvalidValue(ValueError):
    """Raised for invalid input; `expected` describes valid input, such as "a domain such as example.com"."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"should be {expected}")
        self.expected = expected
