"""Small PNG images. A file is checked to be one image and nothing else, because browsers of strangers load it."""

import struct
import zlib
from typing import Final

MAX_BYTES: Final = 20 * 1024
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# An image that is shown 28 pixels high is sharp on all screens at twice that height.
_LEAST_HEIGHT, _MOST_HEIGHT, _MOST_WIDTH = 56, 400, 1600


def png_fault(data: bytes) -> str | None:
    """Returns what is wrong with a logo, in words; None for a PNG (https://www.w3.org/TR/png-3/) of the right size."""
    if len(data) > MAX_BYTES:
        return f"it has more than {MAX_BYTES // 1024} KB"
    size = _size(data)
    if size is None:
        return "it is not a PNG image, or is damaged"
    width, height = size
    if not _LEAST_HEIGHT <= height <= _MOST_HEIGHT or not 1 <= width <= _MOST_WIDTH:
        return (
            f"it is {width} × {height} pixels, and must be {_LEAST_HEIGHT} to {_MOST_HEIGHT} pixels high and at most "
            f"{_MOST_WIDTH} wide"
        )
    return None


def _size(data: bytes) -> tuple[int, int] | None:
    """Returns width and height; None unless the file is a sequence of intact chunks from IHDR to IEND."""
    if not data.startswith(_SIGNATURE):
        return None
    position, size, kind = len(_SIGNATURE), None, b""
    while position + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return None
        if size is None:
            if kind != b"IHDR" or length != 13:
                return None
            size = struct.unpack_from(">II", data, position + 8)
        position = end + 4
    return size if kind == b"IEND" and position == len(data) else None
