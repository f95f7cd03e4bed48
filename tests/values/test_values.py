"""Each value has one parser: what it accepts, its one form, and the description of valid input."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest

from showup.values.domain_name import parse_domain
from showup.values.duration import check_duration, parse_iso_duration, parse_short_duration
from showup.values.email_address import email_domain, is_email, is_mailbox, normalize_email, parse_email
from showup.values.invalid_value import InvalidValue
from showup.values.time_of_day import parse_time_of_day
from showup.values.time_zone import check_time_zone, zone_of
from showup.values.web_page import check_web_page


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_email, " Ann.Lee+x@Mail.Example.COM ", "ann.lee+x@mail.example.com"),
        (parse_email, "ann@bücher.example", "ann@xn--bcher-kva.example"),
        (parse_domain, " Example.COM. ", "example.com"),
        (parse_short_duration, "30s", timedelta(seconds=30)),
        (parse_short_duration, " 90 m ", timedelta(minutes=90)),
        (parse_short_duration, "3d", timedelta(days=3)),
        (parse_iso_duration, "PT24H", timedelta(days=1)),
        (parse_time_of_day, "00:00", time()),
        (parse_time_of_day, "23:59", time(23, 59)),
        (check_time_zone, "Europe/Berlin", "Europe/Berlin"),
        (check_web_page, "", ""),
        (check_web_page, "https://cal.com/ann?a=1", "https://cal.com/ann?a=1"),
    ],
)
def test_valid_values_are_read(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (
            parse_email,
            [
                "",
                "ann",
                "ann@",
                "@example.com",
                "ann@example",
                "ann@a..com",
                "a b@example.com",
                "Ann <ann@example.com>",
            ],
        ),
        (parse_email, ["ann@example.com,bob@example.com", "ann\x00@example.com", f"{'a' * 65}@example.com"]),
        (parse_domain, ["", "example", "a b.com", "https://example.com", "ann@example.com", f"{'a' * 250}.com"]),
        (parse_short_duration, ["", "30", "1.5h", "-3d", "3w", "PT3H", "9999999d"]),
        (parse_iso_duration, ["", "24h", "P9999999999D", "a day"]),
        (parse_time_of_day, ["", "8:00", "24:00", "08:60", "08:00:00", "08:00\n", "8pm"]),
        (check_time_zone, ["", "Mars/Olympus", "Europe", "europe/berlin"]),
        (check_web_page, ["cal.com/ann", "javascript:alert(1)", "https://", "https://[::1"]),
    ],
)
def test_invalid_values_are_refused_with_an_example(parse: Callable[[str], object], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(InvalidValue, match="such as") as caught:
            parse(text)
        assert str(caught.value) == f"should be {caught.value.expected}"


def test_a_duration_has_limits() -> None:
    assert check_duration(timedelta(days=3650)) == timedelta(days=3650)
    for duration in (timedelta(0), timedelta(hours=-1), timedelta(days=3651)):
        with pytest.raises(InvalidValue, match="at most 3650 days"):
            check_duration(duration)


def test_an_address_of_unknown_form_is_normalized() -> None:
    assert (normalize_email(" Ann@Example.com "), normalize_email(None), normalize_email(7)) == (
        "ann@example.com",
        "",
        "",
    )
    assert (email_domain("Ann@Example.com"), email_domain("nobody"), email_domain(None)) == (
        "example.com",
        "nobody",
        "",
    )


def test_a_mail_header_takes_an_address_of_a_host_without_a_domain() -> None:
    assert is_mailbox("ann@localhost")
    assert not is_email("ann@localhost")
    assert not any(is_mailbox(text) for text in ("ann", "ann@a,b", "ann@a\nb", f"ann@{'a' * 400}.com"))


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        (("Europe/Berlin", "Asia/Tokyo"), "Europe/Berlin"),
        ((None, "Asia/Tokyo"), "Asia/Tokyo"),
        (("Mars/Olympus", "Asia/Tokyo"), "Asia/Tokyo"),
        (("", None), "UTC"),
        (("../../etc/passwd", "/etc/localtime", "a\x00b", "Europe", "x" * 5000, "\ud800"), "UTC"),
    ],
)
def test_an_invalid_time_zone_is_skipped(names: tuple[str | None, ...], zone: str) -> None:
    assert zone_of(*names).key == zone
