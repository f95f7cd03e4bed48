"""S04: an operator's template that never ends, or is too large, costs its own mail only."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from showup.destinations.contract import CannotRender
from showup.destinations.email.samples import sample_notification
from tests.destinations.email.rendered_mail import renderer

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
NOTIFICATION = sample_notification("confirmation", "acme")


def template_processes(folder: Path) -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        if str(folder) in child.cmdline():
            yield child


def test_s04_an_endless_template_fails_and_then_holds_up_nothing(tmp_path: Path) -> None:
    (tmp_path / "confirmation.txt").write_text(ENDLESS)
    (tmp_path / "reminder.txt").write_text("See you")
    mails = renderer(tmp_path)
    with pytest.raises(CannotRender, match=r"templates of confirmation took more than 2 s of processor time"):
        mails.render(NOTIFICATION)

    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(CannotRender, match="took more than 2 s"):
            mails.render(NOTIFICATION)
    assert mails.render(sample_notification("reminder", "acme")).text == "See you\n"
    # Twenty more tries would have taken 40 s.
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ 'x' * 9999999999 }}", "confirmation.txt, line 1"),
        ("{% for a in range(9999) %}{{ 'x' * 99999 }}{% endfor %}", "longer than 500,000 characters"),
        ("{% for a in range(10000000) %}{% endfor %}", "Range too big"),
    ],
    ids=["memory", "output", "range"],
)
def test_s04_a_template_can_not_use_up_the_memory(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "confirmation.txt").write_text(text)
    with pytest.raises(CannotRender, match=says):
        renderer(tmp_path).render(NOTIFICATION)


def test_a_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "confirmation.txt").write_text("See you")
    mails = renderer(tmp_path)
    mails.render(NOTIFICATION)
    [first] = template_processes(tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    assert mails.render(NOTIFICATION).text == "See you\n"


def test_the_process_ends_with_its_renderer(tmp_path: Path) -> None:
    mails = renderer(tmp_path)
    mails.render(NOTIFICATION)
    assert list(template_processes(tmp_path))
    del mails
    assert not list(template_processes(tmp_path))
