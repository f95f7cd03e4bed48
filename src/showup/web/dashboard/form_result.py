"""What the page of a deal or booking says about the result of one of its forms."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct, field

from showup.web.dashboard.action_result import Undo


class FormResult(Struct, frozen=True, kw_only=True):
    """What a form did. A fault stands at the form named `form`, which keeps what was typed (`values`).

    `other_deal`: the deal that stands in the way.
    """

    text: str
    is_fault: bool = False
    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    undo: Undo | None = None
    other_deal: UUID | None = None
