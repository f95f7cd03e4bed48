"""F11: a domain has one spelling in Showup, whatever the letters in which somebody writes it."""

import unicodedata

import idna
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from showup.values.domain_name import display_domain, is_domain, normalize_domain, parse_domain
from showup.values.email_address import (
    display_email,
    email_domain,
    email_spellings,
    is_email,
    is_mailbox,
    normalize_email,
    parse_email,
)

_LETTERS = st.text("abcxyzßäöüéèñçőșłđабвгдежзλμνξοπ例え日本語한국어", min_size=1, max_size=20)
_SPELLINGS = (
    str,
    str.upper,
    str.title,
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: idna.encode(name, uts46=True).decode(),
    lambda name: idna.encode(name, uts46=True).decode().upper(),
    lambda name: name.replace(".", "。"),
    lambda name: f" {name}. ",
    lambda name: "".join(chr(ord(one) + 0xFEE0) if "a" <= one <= "z" else one for one in name),
)
_HOSTILE = (
    f"{'a' * 64}.com",
    f"{'ä' * 63}.com",
    "ä" * 10_000,
    "\ufdfa" * 250,
    "a..b",
    ".",
    "",
    "..",
    "ä..de",
    "xn--",
    "xn--.com",
    "xn--a.com",
    f"xn--{'9' * 59}.com",
    "xn--\u0430.com",
    "a\u202eb.com",
    "א1a.com",
    "١٢.com",
    "a\u200d.com",
    "a\u2488com",
    "ab\uff0fc.com",
    "ä@ö.de",
    "\ud800.com",
    "\x00ä.com",
    "a b.com",
)


@given(_LETTERS, st.sampled_from(_SPELLINGS))
@example("bäckerei-stern", _SPELLINGS[4])
def test_all_spellings_of_an_address_are_one_address(label: str, spell: object) -> None:
    """F11: letters, capitals, composed or not, fullwidth, ASCII form, East Asian full stops."""
    name = f"{unicodedata.normalize('NFC', label)}.example"
    # A capital ß is written SS, which is another name.
    assume(spell in (_SPELLINGS[0], *_SPELLINGS[3:5], *_SPELLINGS[6:]) or "ß" not in label)
    spelled = spell(name)  # type: ignore[operator]
    expected = idna.encode(name, uts46=True).decode()
    assert normalize_domain(spelled) == parse_domain(spelled) == expected
    assert normalize_email(f"Info@{spelled}") == f"info@{expected}" == parse_email(f"info@{spelled}")
    assert is_email(f"info@{spelled.strip()}")
    assert email_domain(f"info@{spelled}") == expected


@given(
    st.one_of(
        st.text(max_size=300), st.from_regex(r"(xn--)?[a-zäß\-@.。\u0300-\u0310]{0,80}"), st.sampled_from(_HOSTILE)
    )
)
def test_no_text_makes_the_parsers_fail(text: str) -> None:
    """F11: a name has a normal form and a display form, or is no name; both are stable."""
    domain = normalize_domain(text)
    assert normalize_domain(domain) == domain
    assert normalize_domain(display_domain(domain)) == domain
    email = normalize_email(f"ann@{text}")
    assert normalize_email(email) == email
    assert normalize_email(display_email(email)) == email
    is_mailbox(text)
    if is_domain(domain):
        assert domain.isascii()
        assert all(0 < len(label) <= 63 for label in domain.split("."))


@given(_LETTERS)
def test_the_part_before_the_at_sign_has_one_form_too(local: str) -> None:
    email = normalize_email(f"{local}@example.com")
    assert normalize_email(email) == email
    assert normalize_email(f"{unicodedata.normalize('NFD', local)}@example.com") == email


@pytest.mark.parametrize("domain", _HOSTILE)
def test_an_address_at_an_impossible_name_is_no_address(domain: str) -> None:
    """F11: over-long or empty labels, mixed directions, characters that no name has."""
    if not is_domain(normalize_domain(domain)):
        assert not is_email(f"ann@{domain}")
    assert normalize_domain(domain) == normalize_domain(normalize_domain(domain))


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("xn--bckerei-stern-bfb.example", "bäckerei-stern.example"),
        ("mail.xn--r8jz45g.xn--zckzah", "mail.例え.テスト"),
        ("xn--i-7iq.ws", "i❤.ws"),
        ("example.com", "example.com"),
        ("xn--pple-43d.com", "xn--pple-43d.com"),
        ("xn--a-ugn.com", "xn--a-ugn.com"),
        ("xn--a.com", "xn--a.com"),
        ("xn--mnchen-3ya.xn--a", "münchen.xn--a"),
    ],
)
def test_people_see_letters_unless_they_imitate_another_name(domain: str, shown: str) -> None:
    """F11: mixed scripts (a Cyrillic а in apple) and invisible characters stay in ASCII."""
    assert display_domain(domain) == shown
    assert display_email(f"ann@{domain}") == f"ann@{shown}"


def test_an_emoji_domain_is_one_name_too() -> None:
    """F11: registries sell such names although IDNA 2008 does not allow them."""
    assert parse_email("ann@I❤.ws") == parse_email("ann@xn--i-7iq.ws") == "ann@xn--i-7iq.ws"


def test_f11_another_system_is_asked_for_both_spellings() -> None:
    assert email_spellings("Info@Bäckerei.example") == ("info@xn--bckerei-5wa.example", "info@bäckerei.example")
    assert email_spellings("ann@acme.example") == ("ann@acme.example",)
