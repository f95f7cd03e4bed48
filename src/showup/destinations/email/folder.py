"""The folder with a user's templates, before anything heavy is loaded to read them."""

from pathlib import Path

from showup.destinations.contract import CannotRender


def check_folder(folder: Path | None) -> None:
    """Raises CannotRender when a folder is named that is not there."""
    if folder is not None and not folder.is_dir():
        raise CannotRender(f"There is no folder {folder} with templates: put [email] templates right.")
