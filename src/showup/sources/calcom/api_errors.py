"""The errors of calls to Cal.com's API."""

from datetime import datetime


class CalcomUnavailable(Exception):
    """No usable response after all retries; a later call may succeed.

    `because` is a sentence for the operator; before `not_before` (aware), where it is known, every call will be
    refused.
    """

    def __init__(self, because: str, not_before: datetime | None = None) -> None:
        super().__init__(because)
        self.because = because
        self.not_before = not_before


class UnexpectedCalcomResponse(CalcomUnavailable):
    """The response has another shape than expected."""


class CalcomRefused(Exception):
    """Cal.com refuses the call, and a retry would not help. `because` says what to do, `status` is the HTTP status."""

    def __init__(self, because: str, status: int) -> None:
        super().__init__(because)
        self.because = because
        self.status = status
