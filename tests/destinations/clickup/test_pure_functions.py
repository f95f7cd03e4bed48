"""The comparison of names, and the block in a description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.destinations.clickup.render import LONGEST_DESCRIPTION, block, escaped, with_block
from showup.destinations.clickup.task_search import last_name, name_similarity, plain_name
from tests.destinations.fake_vendors.clickup_space import edited

MARK, OTHER = "Showup 0123456789ab", "Showup ba9876543210"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ann Lee", "ann lee"),
        ("  ANN   LEE ", "ann lee"),
        ("Ann Lee - Acme Corp", "ann lee"),
        ("Ann Lee (Acme)", "ann lee"),
        ("Ann Lee, CEO", "ann lee"),
        ("Ann-Marie O'Neill", "ann marie o neill"),
        ("Łukasz Żółć", "łukasz zołc"),
        ("- Ann", "ann"),
        ("𝕬nn Lee", "ann lee"),
        ("…", ""),
        ("", ""),
    ],
)
def test_a_title_begins_with_a_name(title: str, name: str) -> None:
    assert plain_name(title) == name


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        ("ann lee", "ann lee", 0),
        ("ann maria lee", "ann lee", 1),
        ("ann lee", "a lee", 2),
        ("jon lee", "jonathan lee", 2),
        ("lee", "ann lee", 3),
        ("ann lee", "bob lee", None),
        ("jo lee", "jonathan lee", None),
        ("ann lee", "ann ray", None),
        ("", "", None),
    ],
)
def test_how_near_two_names_are(first: str, other: str, expected: int | None) -> None:
    found = name_similarity(first, other)
    assert (found and found[0]) == expected if expected else (found is None) == (expected is None)


@given(st.text())
def test_a_plain_name_is_plain_already(text: str) -> None:
    name = plain_name(text)
    assert plain_name(name) == name
    assert last_name(name) == "" or last_name(name) in name.split()


@given(st.text(alphabet="abc *_\n-#", max_size=80), st.text(alphabet="xyz \n", max_size=20))
def test_a_block_is_inserted_once_and_the_rest_is_unchanged(before: str, after: str) -> None:
    first = with_block(before, block("Meeting", ["When: today"], MARK), MARK)
    with_more = f"{first}\n\n{after}".rstrip()
    second = with_block(with_more, block("Meeting", ["When: tomorrow", "With: Ben"], MARK), MARK)
    assert second.startswith(before.rstrip())
    assert second.endswith(after.rstrip())
    assert ("today" in second, second.count("tomorrow")) == (False, 1)
    assert with_block(second, block("Meeting", ["When: tomorrow", "With: Ben"], MARK), MARK) == second


def test_a_block_is_found_after_clickups_editor_rewrote_it() -> None:
    there = edited(with_block("Mine", block("Meeting", ["When: today"], MARK), MARK))
    both = edited(with_block(there, block("Meeting", ["When: later"], OTHER), OTHER))
    fresh = with_block(both, block("Meeting", ["When: tomorrow"], MARK), MARK)
    assert "today" not in fresh
    assert "later" in fresh
    assert fresh.startswith("Mine")


def test_a_block_without_its_end_is_not_written_twice() -> None:
    there = with_block("", block("Meeting", ["When: today"], MARK), MARK).replace(f"(end of {MARK})", "")
    fresh = with_block(there, block("Meeting", ["When: tomorrow"], MARK), MARK)
    assert fresh.count(f"({MARK})") == 1


def test_words_are_just_words() -> None:
    assert escaped("*a* [b](c) <d>") == r"\*a\* \[b\](c) \<d\>"


HOSTILE = {
    "a block in each line": f"{MARK}\n",
    "a block in each word": f"{MARK} ",
    "an end in each word": f"end of {MARK} ",
    "ends that begin no line": f"x end of {MARK}x\n",
    "nearly the marker": f"{MARK[:-1]} end of ",
    "empty lines": "\n",
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("repeated", HOSTILE.values(), ids=HOSTILE)
def test_s08_a_hostile_description_takes_linear_time(repeated: str) -> None:
    hostile = repeated * (LONGEST_DESCRIPTION // len(repeated))
    for description in (hostile, f"x{hostile}", f"{MARK}\n{hostile}"):
        assert with_block(description[:LONGEST_DESCRIPTION], "the block", MARK).count("the block") == 1


def test_s08_a_longer_description_stays_as_it_is() -> None:
    description = f"{MARK}\n" + "x" * LONGEST_DESCRIPTION
    assert with_block(description, "the block", MARK) == description
