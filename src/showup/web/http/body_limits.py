"""The largest bodies, in bytes, and their sizes as texts."""

from typing import Final

MAX_BODY_BYTES: Final = 256 * 1024
"""The body of a command; it is read before the key is checked."""
MAX_WEBHOOK_BYTES: Final = 1024 * 1024
"""The body of a webhook."""


def describe_size(size: int) -> str:
    """Return a size of whole KiB or MiB as a text."""
    return f"{size // 1024**2} MiB" if size % 1024**2 == 0 else f"{size // 1024} KiB"
