"""The destinations that must conform: one line each."""

from collections.abc import Iterable
from typing import Final

import pytest

from tests.destinations.conformance.case import Case
from tests.destinations.conformance.connected_cases import (
    CLICKUP,
    CLICKUP_LEAD,
    EMAILBISON,
    NOTION,
    PREFECT,
    SLACK,
    TWILIO,
)
from tests.destinations.conformance.mail_cases import RESEND, SMTP
from tests.destinations.conformance.webhook_case import WEBHOOK

CASES: Final = (RESEND, SMTP, CLICKUP, CLICKUP_LEAD, EMAILBISON, NOTION, PREFECT, SLACK, TWILIO, WEBHOOK)


def cases_without(*exceptions: str) -> Iterable[object]:
    """Returns all cases except those with one of these documented exceptions."""
    return [pytest.param(one, id=one.name) for one in CASES if not set(exceptions) & one.exceptions.keys()]


def with_faults(*faults: str) -> Iterable[object]:
    """Returns each case with each fault that it can meet."""
    return [
        pytest.param(one, fault, id=f"{one.name}-{fault}")
        for one in CASES
        for fault in faults
        if fault not in one.exceptions
    ]


def cases_of(kind: str) -> list[Case]:
    """Returns the cases of one kind."""
    return [one for one in CASES if one.kind == kind]
