"""How a setting or a secret is described to people, beside its declaration: forms derive from that. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Meta, Struct

GROUP: Final = "group"
CHOICES: Final = "choices"
EXAMPLE: Final = "example"
IS_RARE: Final = "is_rare"
IS_NEEDED: Final = "is_needed"


class SecretWords(Struct, frozen=True, kw_only=True):
    """What people call a secret of a connection, where they find it, and how it begins."""

    title: str
    help: str = ""
    example: str = ""


def described(
    title: str,
    help_text: str = "",
    *,
    example: str = "",
    group: str = "",
    choices: Mapping[str, str] | None = None,
    is_rare: bool = False,
    is_needed: bool = False,
) -> Meta:
    """Returns the annotation of a setting: what people call it, and how to set it.

    Settings with the same `group` stand together under it. `choices` are the possible values with their words, of a
    list or of a text. `is_rare`: most people leave it as it is, so forms fold it. `is_needed`: nothing works without.
    """
    extra: dict[str, Any] = {
        GROUP: group,
        CHOICES: choices or {},
        EXAMPLE: example,
        IS_RARE: is_rare,
        IS_NEEDED: is_needed,
    }
    return Meta(title=title, description=help_text, extra=extra)
