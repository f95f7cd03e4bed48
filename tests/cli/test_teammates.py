"""AP6: `showup teammates` adds people, prints links and removes people, also without any mail."""

import re

from tests.cli.conftest import Showup

LINK = re.compile(r"https://showup\.example/base/signin/[\w-]{43}")
URL = {"SHOWUP_URL": "https://showup.example/base"}


def test_a_teammate_is_added_listed_linked_and_removed(ready: Showup) -> None:
    added = ready("teammates", "add", "Ola@Example.com", "--name", "Ola Lind", "--role", "admin", **URL)
    assert added.code == 0, added.error
    assert LINK.search(added.out)
    (listed,) = ready("teammates", "list", "--json").json
    shown = {name: listed[name] for name in ("email", "name", "role", "workspace", "has_password")}
    assert shown == {
        "email": "ola@example.com",
        "name": "Ola Lind",
        "role": "admin",
        "workspace": None,
        "has_password": False,
    }
    first, second = (ready("teammates", "link", "ola@example.com", "--json", **URL).json["link"] for _ in range(2))
    assert LINK.fullmatch(first)
    assert first != second
    assert ready("teammates", "remove", "ola@example.com").code == 0
    assert ready("teammates", "list", "--json").json == []
    assert "There are no teammates" in ready("teammates", "list").out


def test_a_role_belongs_to_a_workspace_and_a_second_add_changes_it(ready: Showup) -> None:
    assert ready("workspaces", "add", "acme").code == 0
    for role in ("read_only", "member"):
        assert ready("teammates", "add", "ola@example.com", "--role", role, "--workspace", "acme").code == 0
    assert ready("teammates", "add", "ola@example.com", "--role", "read_only", "--workspace", "default").code == 0
    rows = ready("teammates", "list", "--json").json
    assert [(row["workspace"], row["role"]) for row in rows] == [("acme", "member"), ("default", "read_only")]
    assert ready("teammates", "remove", "ola@example.com", "--workspace", "acme").code == 0
    assert [row["workspace"] for row in ready("teammates", "list", "--json").json] == ["default"]
    assert ready("teammates", "remove", "ola@example.com", "--workspace", "default").code == 0
    assert ready("teammates", "list", "--json").json == [], "without a workspace, nobody is left to sign in"


def test_a_wrong_address_or_an_unknown_teammate_is_refused(ready: Showup) -> None:
    for arguments in (["add", "not an address"], ["link", "nobody@example.com"], ["remove", "nobody@example.com"]):
        result = ready("teammates", *arguments)
        assert (result.code, result.out) == (1, ""), arguments
        assert "Traceback" not in result.error
