"""Every destination is in the suite, and every fake vendor checks requests against its vendor's document."""

import pytest

from showup.connections.catalogue import KINDS
from tests.destinations.conformance.case import FAULT_MEANINGS, Case
from tests.destinations.conformance.cases import CASES, cases_of, cases_without
from tests.vendors.openapi import DOCUMENTS

# The names of exceptions: faults, and other checks that apply to all cases.
_ASKED = {*FAULT_MEANINGS, "404", "409", "http", "any 2xx", "once", "openapi", "limit without a word", "own patience"}


@pytest.mark.parametrize("kind", [*KINDS, "resend", "smtp", "webhook"])
def test_every_kind_is_in_the_suite(kind: str) -> None:
    assert cases_of(kind), f"add a Case of {kind} to tests/destinations/conformance"


@pytest.mark.parametrize("case", cases_without("openapi"))
def test_every_fake_vendor_has_the_vendors_document(case: Case) -> None:
    assert (DOCUMENTS / f"{case.kind}.json").exists()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_exception_has_a_name_and_a_reason(case: Case) -> None:
    assert case.exceptions.keys() <= _ASKED
    assert all(len(reason.split()) > 3 for reason in case.exceptions.values())
    assert {"404", "409"} <= case.means.keys() | case.exceptions.keys()
