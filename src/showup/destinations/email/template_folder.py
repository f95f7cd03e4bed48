"""Checks the folder with a user's templates before any slow import."""

from pathlib import Path

from showup.destinations.contract import CannotRender


def check_folder(folder: Path | None) -> None:
    """Returns the folder. Raises CannotRender when the named folder does not exist."""
    if folder is not None and not folder.is_dir():
        raise CannotRender(f"There is no folder {folder} with templates: put [email] templates right.")
