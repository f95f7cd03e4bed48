"""A person's answer to a delivery's question: a value, so that the log can be read without a database."""

from uuid import UUID

from msgspec import Struct


class RecordChosen(Struct, frozen=True, kw_only=True):
    """The chosen record: its id at the destination, or None for none of the candidates."""

    delivery_id: UUID
    record: str | None
