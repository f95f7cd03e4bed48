"""`showup leads import` previews and imports files, and continues after a kill (CA1)."""

from pathlib import Path

from tests.campaigns.test_exports import FOLDER
from tests.cli.conftest import Showup

EXCEL = str(FOLDER / "excel_kunden.csv")
INSTANTLY = str(FOLDER / "instantly_leads.csv")


def test_a_preview_shows_how_the_file_is_read_and_imports_nothing(ready: Showup) -> None:
    result = ready("leads", "import", EXCEL, "--map", "Firma=company", "--dry-run")
    assert (result.code, result.error) == (0, "")
    assert "Read as cp1252, separated by ';'." in result.out
    assert "email: E-Mail" in result.out
    assert "joerg.mueller@mueller-maschinen.example" in result.out
    done = ready("leads", "import", EXCEL, "--json")
    assert (done.json["accepted"], done.json["rejected"]) == (12, {"missing_email": 1, "invalid_email": 1})
    assert done.json["campaign"] == "excel_kunden"


def test_the_report_names_lines_and_reasons(ready: Showup) -> None:
    result = ready("leads", "import", INSTANTLY, "--campaign", "CFO")
    assert "Imported 12 leads; 1 repeated, 1 blank row. Campaign of rows without one: CFO." in result.out
    assert "line 17: too_many_columns" in result.out
    assert ready("leads", "import", INSTANTLY, "--campaign", "CFO").out == result.out


def test_a_wrong_request_is_explained(ready: Showup, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("name\nAnn\n")
    faults: dict[tuple[str, ...], str] = {
        ("names.csv",): "No column is known to contain email addresses",
        ("missing.csv",): "can't be read",
        (INSTANTLY, "--map", "Email"): "is not COLUMN=FIELD",
        (INSTANTLY, "--map", "Mail=email"): "has no column 'Mail'",
        (INSTANTLY, "--map", "Email=phone"): "has no field 'phone'",
        (INSTANTLY, "--workspace", "nowhere"): "There is no workspace 'nowhere'",
    }
    for arguments, words in faults.items():
        result = ready("leads", "import", *arguments)
        assert (result.code, words in result.error) == (1, True), (arguments, result.error)
