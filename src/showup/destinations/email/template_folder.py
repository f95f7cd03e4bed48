"""Checks the folder with a user's templates before any slow import."""

from pathlib import Path

from showup.destinations.contract import CannotRender


def check_folder(folder: Path | None) -> None:
    """Returns the folder. Raises CannotRender when the named folder does not exist."""
    if folder is not None and not folder.is_dir():
        raise CannotRender(
            f"The template folder {folder} does not exist: correct `templates` under [email] in showup.toml."
        )
