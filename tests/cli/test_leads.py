"""`showup leads import` previews and imports files, and continues after a kill (CA1)."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg

from tests.campaigns.test_exports import FOLDER
from tests.cli.conftest import SECRET_KEY, Showup

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
    assert "CFO: 12 leads, 1 repeated, 1 blank rows." in result.out
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


async def test_a_killed_import_continues_without_a_duplicate(ready: Showup, database_url: str, tmp_path: Path) -> None:
    rows = 30_000
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(["email,company", *(f"lead{n}@c{n % 900}.example,C{n % 900}" for n in range(rows))]))
    driver = await asyncpg.connect(database_url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "showup", "leads", "import", str(path), "--campaign", "Big"),
        env={**os.environ, "DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )
    while not (position := await driver.fetchval("SELECT max(position) FROM showup.lead_imports")):
        assert process.returncode is None, "the import ended before it was killed"
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert position < rows, "the import was done before it was killed"

    async def counts() -> dict[str, Any]:
        query = "SELECT count(*) AS leads, count(DISTINCT email) AS emails FROM showup.leads"
        return dict(await driver.fetchrow(query))

    kept = (await counts())["leads"]
    assert 0 < kept < rows
    result = await asyncio.to_thread(ready, "leads", "import", str(path), "--campaign", "Big", "--json")
    assert (result.json["state"], result.json["accepted"], result.json["repeated"]) == ("done", rows, 0), result.error
    assert await counts() == {"leads": rows, "emails": rows}
    assert await driver.fetchval("SELECT count(*) FROM showup.campaign_leads") == rows
    await driver.close()
