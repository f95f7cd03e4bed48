"""Exports of sales tools end as their expected results say: leads, rejected rows with lines, repeated leads (CA1)."""

import json
from pathlib import Path
from typing import Any

import pytest

from showup.campaigns.lead import Signals
from showup.campaigns.lead_file.file import LeadFile, ReadingOptions, open_lead_file
from showup.campaigns.lead_file.rows import FileRow, IgnoredRow, LeadRow, RejectedRow
from showup.values.email_address import match_key

FOLDER = Path(__file__).parent / "lead_files"
EXPORTS = sorted(path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json"))
ENCODINGS = {("utf-8", True): "utf-8-sig"}


def expected_of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.expected.json").read_text())
    return content


def open_export(name: str) -> LeadFile:
    options = ReadingOptions(columns=expected_of(name)["options"].get("map", {}))
    return open_lead_file(FOLDER / f"{name}.csv", options)


def known_signals(signals: Signals) -> dict[str, Any]:
    values = {name: getattr(signals, name) for name in ("sent", "replied", "interested", "bounced", "unsubscribed")}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_read_as_expected(name: str) -> None:
    expected = expected_of(name)
    file = open_export(name)
    stated = expected["format"]
    assert file.encoding == ENCODINGS.get((stated["encoding"], stated["bom"]), stated["encoding"])
    assert (file.layout.separator, file.layout.header_line) == (stated["separator"], stated["header_line"])
    named = file.mapping.named()
    for field, columns in expected["columns"].items():
        assert list(dict.fromkeys(named[field.replace("other_emails", "other_email")])) == columns
    rows = list(file.rows())
    lines = {row.lead.email: row.line for row in reversed([row for row in rows if isinstance(row, LeadRow)])}
    repeated = [
        {"line": row.line, "of_line": lines[row.lead.email]}
        for row in rows
        if isinstance(row, LeadRow) and lines[row.lead.email] != row.line
    ]
    assert repeated == expected["duplicates"]
    assert [{"line": row.line, "reason": row.reason} for row in rows if isinstance(row, RejectedRow)] == expected[
        "rejected"
    ]
    assert [row.line for row in rows if isinstance(row, IgnoredRow)] == [one["line"] for one in expected["ignored"]]
    check_leads(expected, rows, lines)


def check_leads(expected: dict[str, Any], rows: list[FileRow], lines: dict[str, int]) -> None:
    leads = {row.line: row for row in rows if isinstance(row, LeadRow) and lines[row.lead.email] == row.line}
    assert sorted(leads) == [one["line"] for one in expected["accepted"]]
    repeats = {one["of_line"]: one["line"] for one in expected["duplicates"]}
    later = {row.line: row for row in rows if isinstance(row, LeadRow)}
    for one in expected["accepted"]:
        row = leads[one["line"]]
        filler = later[repeats[row.line]] if row.line in repeats else row
        lead = row.lead
        assert lead.email == one["email"]
        assert (lead.first_name or filler.lead.first_name) == one["first_name"], lead
        assert (lead.last_name or filler.lead.last_name) == one["last_name"], lead
        assert (lead.company or filler.lead.company) == one["company"], lead
        assert list(lead.other_emails) == one.get("other_emails", []), lead
        assert match_key(lead.email) == one.get("match_key", lead.email)
        assert known_signals(filler.signals) | known_signals(row.signals) == one.get("signals", {}), lead
