"""What the page of a deal or booking says about the result of one of its forms."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct, field


class FormResult(Struct, frozen=True, kw_only=True):
    """What a form did. A fault stands at the form named `form`, which keeps what was typed (`values`).

    `undo_path` and `undo_fields`: the form that takes it back. `other_deal`: the deal that stands in the way.
    """

    text: str
    is_fault: bool = False
    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    undo_path: str | None = None
    undo_fields: Mapping[str, str] = field(default_factory=dict)
    undo_words: str = "Undo"
    other_deal: UUID | None = None
