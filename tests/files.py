"""Rules that every file of the repository keeps: one test reads all files, and says which of them break its rule."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def faults_by_file(paths: Iterable[Path], faults_of: Callable[[Path], Sequence[str]]) -> dict[str, Sequence[str]]:
    """Returns the faults of each file that has any, by its path in the repository."""
    found = {str(path.relative_to(ROOT)): faults_of(path) for path in paths}
    return {path: faults for path, faults in found.items() if faults}
