"""AP3: the PDF is drawn in a process with limits; no text of a document is code, and none reads a file."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from showup.proposals.document import Letterhead, document_of
from showup.proposals.pdf_writer import CannotDraw, PdfWriter
from showup.proposals.proposal import LineItem, ProposalContent

HOSTILE = (
    '#read("/etc/passwd") #panic() $x^$ *b* `raw` @ref <label> \\ ] } // /* #import "@preview/a:1.0.0" \u202e \x07'
)


def document(text: str, lines: int = 1) -> dict[str, object]:
    line = LineItem(description=text, quantity=Decimal(1), unit_price=Decimal(1))
    offered = ProposalContent(title=text, scope=f"{text}\n\n{text}", items=(line,) * lines, currency="USD")
    head = Letterhead(sender=text, author=text, company=text, person=text, date=date(2026, 3, 12))
    return document_of(offered, head)


async def test_hostile_text_is_text_and_long_ones_take_more_pages() -> None:
    writer = PdfWriter()
    drawn = await writer.draw(document(HOSTILE), is_complete=True)
    assert (drawn.pdf[:5], drawn.picture[1:4], drawn.pages) == (b"%PDF-", b"PNG", 1)
    preview = await writer.draw(document(HOSTILE), is_complete=False)
    assert (preview.pdf, preview.picture) == (b"", drawn.picture)
    long = await writer.draw(document(f"{'W' * 400} 日本 عربي", lines=25), is_complete=True)
    assert long.pages > 1


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
