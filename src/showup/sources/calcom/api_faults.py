"""How a call of Cal.com's API ends when it does not end well."""

from datetime import datetime


class CalcomAway(Exception):
    """No usable answer, however often it was asked; later there may be one.

    `because` is a sentence for whoever looks after Showup; before `not_before` (aware), where it is known, no call
    will be answered.
    """

    def __init__(self, because: str, not_before: datetime | None = None) -> None:
        super().__init__(because)
        self.because = because
        self.not_before = not_before


class CalcomStrange(CalcomAway):
    """An answer in another shape than was asked for."""


class CalcomRefuses(Exception):
    """Cal.com will not do it, however often it is asked. `because` says what to do, `status` is HTTP's."""

    def __init__(self, because: str, status: int) -> None:
        super().__init__(because)
        self.because = because
        self.status = status
