"""AP3: the PDF is drawn in a process with limits; no text of a document is code, and none reads a file."""

import struct
import zlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from showup.proposals.document import Letterhead, document_of
from showup.proposals.pdf_writer import CannotDraw, PdfWriter
from showup.proposals.proposal import LineItem, ProposalContent
from showup.values.png_image import png_fault

HOSTILE = (
    '#read("/etc/passwd") #panic() $x^$ *b* `raw` @ref <label> \\ ] } // /* #import "@preview/a:1.0.0" \u202e \x07'
)


RED = (230, 20, 30)


def png(width: int, height: int, rows: bytes | None = None) -> bytes:
    """Returns a red image, or one with other bytes in place of its compressed rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    content = zlib.compress((b"\0" + bytes(RED) * width) * height) if rows is None else rows
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def share_of_red(picture: bytes) -> float:
    """Returns which share of a drawn page is red, in per cent; the page is drawn in 8 bits of RGBA."""
    width, height = struct.unpack(">II", picture[16:24])
    position, data = 8, b""
    while position < len(picture):
        (length,) = struct.unpack(">I", picture[position : position + 4])
        if picture[position + 4 : position + 8] == b"IDAT":
            data += picture[position + 8 : position + 8 + length]
        position += length + 12
    rows, before, red = zlib.decompress(data), bytearray(width * 4), 0
    # The head of the page is enough, and the rest takes seconds.
    for y in range(min(height, 200)):
        kind, row = rows[y * (width * 4 + 1)], bytearray(rows[y * (width * 4 + 1) + 1 : (y + 1) * (width * 4 + 1)])
        for x in range(width * 4):
            left, up = row[x - 4] if x > 3 else 0, before[x]
            corner = before[x - 4] if x > 3 else 0
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda one: abs(guess - one))
            row[x] = (row[x] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        red += sum(tuple(row[x : x + 3]) == RED for x in range(0, width * 4, 4))
        before = row
    return 100 * red / (width * height)


def document(text: str, lines: int = 1, logo: bytes | None = None) -> dict[str, object]:
    line = LineItem(description=text, quantity=Decimal(1), unit_price=Decimal(1))
    offered = ProposalContent(title=text, scope=f"{text}\n\n{text}", items=(line,) * lines, currency="USD")
    head = Letterhead(sender=text, author=text, company=text, person=text, date=date(2026, 3, 12), logo=logo)
    return document_of(offered, head)


async def test_hostile_text_is_text_and_long_ones_take_more_pages() -> None:
    writer = PdfWriter()
    drawn = await writer.draw(document(HOSTILE), is_complete=True)
    assert (drawn.pdf[:5], drawn.picture[1:4], drawn.pages) == (b"%PDF-", b"PNG", 1)
    preview = await writer.draw(document(HOSTILE), is_complete=False)
    assert (preview.pdf, preview.picture) == (b"", drawn.picture)
    long = await writer.draw(document(f"{'W' * 400} 日本 عربي", lines=25), is_complete=True)
    assert long.pages > 1


async def test_the_senders_logo_stands_in_the_head_of_the_page() -> None:
    writer = PdfWriter()
    logo = png(200, 56)
    assert png_fault(logo) is None
    drawn = await writer.draw(document("Acme", logo=logo), is_complete=True)
    assert b"/Subtype/Image" in drawn.pdf
    # 11 mm high and 39 mm wide, on an A4 page of 210 mm by 297 mm.
    assert share_of_red(drawn.picture) == pytest.approx(100 * 11 * 39.3 / (210 * 297), rel=0.03)
    wide = await writer.draw(document("Acme", logo=png(1600, 56)), is_complete=False)
    assert share_of_red(wide.picture) == pytest.approx(100 * 80 * 2.8 / (210 * 297), rel=0.15), "80 mm wide"
    plain = await writer.draw(document("Acme"), is_complete=True)
    assert b"/Subtype/Image" not in plain.pdf
    damaged = await writer.draw(document("Acme", logo=png(200, 56, b"not compressed rows")), is_complete=True)
    assert (damaged.picture, damaged.pages) == (plain.picture, 1), "the name stands for a logo that can't be read"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (f'#read("{Path(__file__)}")', "file not found"),
        ('#import "@preview/cetz:0.3.0": *', "package"),
        # It takes more memory than the process may have.
        ('#let x = "a" * 2000000000', "ended unexpectedly|too long"),
    ],
)
async def test_a_document_reads_nothing_and_ends(tmp_path: Path, template: str, why: str) -> None:
    path = tmp_path / "page.typ"
    path.write_text(template)
    with pytest.raises(CannotDraw, match=why):
        await PdfWriter(str(path)).draw({}, is_complete=False)
