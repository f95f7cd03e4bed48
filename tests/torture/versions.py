"""Source trees of two versions of Showup, which run side by side in an upgrade without a pause."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_MIGRATIONS = Path("showup/database/migrations/versions")
# Newer than any revision of ours. Each statement locks its table against all other use until the migration commits.
_REVISION = "9999"
_MIGRATION = '''"""Change the busiest tables, as a later version may."""

from alembic import op

revision = "{revision}"
down_revision = "{previous}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("inbox_events", "bookings", "deals", "people", "deliveries"):
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN added_by_a_later_version TEXT")
    op.execute("CREATE INDEX ix_added_by_a_later_version ON bookings (added_by_a_later_version)")
'''


def old_version(folder: Path, ref: str) -> Path:
    """Returns the source tree of a commit or tag; its dependencies are those of this environment."""
    completed = subprocess.run(["git", "archive", ref, "src"], cwd=_ROOT, capture_output=True, check=False)
    assert completed.returncode == 0, f"git archive {ref}: {completed.stderr.decode(errors='replace').strip()}"
    with tarfile.open(fileobj=BytesIO(completed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def new_version(folder: Path) -> Path:
    """Returns a copy of this source tree with one more migration."""
    shutil.copytree(_ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    migrations = folder / "src" / _MIGRATIONS
    previous = max(path.name.partition("_")[0] for path in migrations.glob("[0-9]*.py"))
    text = _MIGRATION.format(revision=_REVISION, previous=previous)
    (migrations / f"{_REVISION}_later_version.py").write_text(text, encoding="utf-8")
    return folder / "src"
