"""CA1: files of any form are read, or refused with a reason; only the broken rows of a file are rejected."""

import codecs
from pathlib import Path
from typing import Any

import pytest

from showup.campaigns.lead_file.columns import UnknownColumn
from showup.campaigns.lead_file.file import LeadFile, ReadingOptions, UnusableFile, open_lead_file
from showup.campaigns.lead_file.rows import LeadRow, RejectedRow

TEXT = "email;first_name;company\nann@acme.example;Ännchen;Café “Süd”\nbob@acme.example;Bob;Smith & Sons\n"
GOOD = "ann@acme.example"


def read(tmp_path: Path, content: bytes | str, **options: Any) -> LeadFile:
    path = tmp_path / "leads.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_lead_file(path, ReadingOptions(**options))


def emails(file: LeadFile) -> list[str]:
    return [row.lead.email for row in file.rows() if isinstance(row, LeadRow)]


def rejections(file: LeadFile) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in file.rows() if isinstance(row, RejectedRow)]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "cp1252"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_usual_form_is_read_alike(
    tmp_path: Path, mark: bytes, encoding: str, separator: str, line_end: str
) -> None:
    text = TEXT.replace(";", separator).replace("\n", line_end)
    rows = list(read(tmp_path, mark + text.encode(encoding)).rows())
    assert [(row.line, row.lead.email) for row in rows if isinstance(row, LeadRow)] == [
        (2, GOOD),
        (3, "bob@acme.example"),
    ]
    first = rows[0]
    assert isinstance(first, LeadRow)
    assert (first.lead.first_name, first.lead.company) == ("Ännchen", "Café “Süd”")


@pytest.mark.parametrize(
    ("encoding", "name", "company"),
    [
        ("cp1251", "Анастасия Петрова", "Нева Фрахт, Санкт-Петербург"),
        ("shift_jis", "田中由紀", "サクラ工具株式会社大阪本店"),
        ("cp1253", "Δημήτρης Παπαδόπουλος", "Ναυτιλιακή Πειραιώς"),
    ],
)
def test_another_script_is_recognized(tmp_path: Path, encoding: str, name: str, company: str) -> None:
    lines = [f"p{number}@acme.example;{name};{company}" for number in range(30)]
    file = read(tmp_path, "\n".join(["email;name;company", *lines]).encode(encoding))
    row = file.first_rows(1)[0]
    assert isinstance(row, LeadRow)
    assert (row.lead.name, row.lead.company) == (name, company)


def test_an_encoding_and_a_separator_can_be_chosen(tmp_path: Path) -> None:
    file = read(tmp_path, "email:name\nann@acme.example:Łukasz\n".encode("cp1250"), encoding="cp1250", separator=":")
    row = file.first_rows(1)[0]
    assert isinstance(row, LeadRow)
    assert row.lead.name == "Łukasz"
    encodings = ("klingon", "base64", "punycode")
    for options in (*({"encoding": one} for one in encodings), {"separator": '"'}, {"separator": ""}):
        with pytest.raises(UnusableFile):
            read(tmp_path, TEXT, **options)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"nul\0@acme.example;a;b", "unreadable_text"),
        (b"x@acme.example;n\0l;b", "unreadable_text"),
        (b"x@acme.example;\xff\xfe;b", "unreadable_text"),
        (b"x@acme.example;\xed\xa0\x80;b", "unreadable_text"),
        (b"x@acme.example;" + b"a" * 200_000 + b";b", "cell_too_long"),
        (b"x@acme.example;" + b"a" * 10_000_000 + b";b", "line_too_long"),
        (b'x@acme.example;"' + b"a" * 10_000_000 + b'";b', "line_too_long"),
        (b"x@acme.example;" + b"a;" * 500_000 + b"b", "too_many_columns"),
        (b"x@acme.example" + b";" * 500_000, None),
        (b"=HYPERLINK(1);a;b", "invalid_email"),
        (b"=cmd|' /C calc'!A0@acme.example;a;b", "invalid_email"),
        (b"x@" + b"a." * 300 + b"example;a;b", "invalid_email"),
        (b"x@acme.example," + b"y@acme.example," * 3_000 + b";a;b", None),
    ],
)
def test_a_broken_row_spoils_no_other(tmp_path: Path, row: bytes, reason: str | None) -> None:
    head = TEXT.encode()
    file = read(tmp_path, head + row + b"\nend@acme.example;End;\xc3\x84nd GmbH\n")
    assert rejections(file) == ([] if reason is None else [(4, reason)])
    assert emails(file)[:2] == [GOOD, "bob@acme.example"]
    assert emails(file)[-1] == "end@acme.example"
    assert [row.line for row in file.rows() if isinstance(row, LeadRow)][-1] == 5


def test_a_missing_quotation_mark_spoils_what_it_swallows_only(tmp_path: Path) -> None:
    lines = [f'p{number}@acme.example;Ann;"Company {number}"' for number in range(20_000)]
    lines[100] = 'p100@acme.example;"Ann;Company'
    file = read(tmp_path, "\n".join(["email;first_name;company", *lines]))
    found = emails(file)
    assert found[:100] == [f"p{number}@acme.example" for number in range(100)]
    assert found[-1] == "p19999@acme.example"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\r\n ", "empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"name;company\nAnn;Acme\n", "No column is known to contain email addresses"),
        (b"a," * 1_000_000 + b"email\n", "longer than 1 MiB"),
        (b"a," * 5_000 + b"email\n", "5,001 columns"),
        (b"a" * 200_000 + b",email\n", "128 KiB"),
    ],
)
def test_an_unusable_file_is_refused_with_a_reason(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UnusableFile, match=words):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("encoding", "stated"), [("utf-16-le", "utf-16"), ("utf-16-be", "UTF16"), ("utf-32-le", "utf-32")]
)
def test_a_stated_encoding_needs_no_byte_order_mark(tmp_path: Path, encoding: str, stated: str) -> None:
    assert emails(read(tmp_path, TEXT.encode(encoding), encoding=stated))[0] == GOOD
    assert emails(read(tmp_path, TEXT.encode(stated), encoding=stated))[0] == GOOD


def test_a_broken_byte_in_a_name_of_a_column_can_be_reported(tmp_path: Path) -> None:
    file = read(tmp_path, TEXT.encode().replace(b"company", b"comp\xffny"))
    assert file.mapping.unused() == ["comp\ufffdny"]
    assert emails(file)[0] == GOOD


def test_a_mapping_names_columns_and_fields_that_exist(tmp_path: Path) -> None:
    content = "Mail;Who;Notes\nann@acme.example;Ann;x\n"
    file = read(tmp_path, content, columns={"Mail": "email", "who": "name"})
    assert file.mapping.named() == {"email": ["Mail"], "name": ["Who"]}
    assert file.mapping.unused() == ["Notes"]
    for columns in ({"Post": "email"}, {"Mail": "telephone"}):
        with pytest.raises(UnknownColumn):
            read(tmp_path, content, columns=columns)


def test_a_chosen_column_replaces_the_known_ones_and_a_column_can_be_ignored(tmp_path: Path) -> None:
    content = "email;work email;company\nold@acme.example;ann@acme.example;Acme\n"
    file = read(tmp_path, content, columns={"work email": "email", "company": "ignore"})
    row = file.first_rows(1)[0]
    assert isinstance(row, LeadRow)
    assert (row.lead.email, row.lead.company) == (GOOD, None)


def test_a_formula_is_text_and_an_address_link_or_mailbox_is_an_address(tmp_path: Path) -> None:
    cells = ["mailto:ann@acme.example", "Ann <ann@acme.example>", "\u200bann@ac\u00adme.example\u00a0"]
    for cell in cells:
        file = read(tmp_path, f"email;company\n{cell};'=SUM(A1)\n")
        row = file.first_rows(1)[0]
        assert isinstance(row, LeadRow), cell
        assert (row.lead.email, row.lead.company) == (GOOD, "=SUM(A1)")
