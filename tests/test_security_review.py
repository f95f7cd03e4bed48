"""The security review names tests and modules that exist, and no promise without a test."""

import re

from tests.files import ROOT

REVIEW = (ROOT / "docs" / "SECURITY-REVIEW.md").read_text()
PROMISES = [line.strip("| ").split(" | ") for line in REVIEW.splitlines() if line.startswith("| ") and "`test" in line]
TESTS = {
    name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
}


def test_each_promise_names_tests_that_exist() -> None:
    assert len(PROMISES) > 30
    assert sorted({name for row in PROMISES for name in re.findall(r"`(test_\w+)`", row[2])} - TESTS) == []
    rows = [line for line in REVIEW.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert [row for row in rows if "`test_" not in row and "make check" not in row] == []


def test_each_place_exists() -> None:
    places = {place for row in PROMISES for place in re.findall(r"`([\w/.]+)`", row[1]) if "/" in place or "." in place}
    assert len(places) > 20
    assert sorted(one for one in places if not ((ROOT / "src/showup" / one).exists() or (ROOT / one).exists())) == []
