"""A person's answer to the question of a delivery: a value, so that the log can be read without a database."""

from uuid import UUID

from msgspec import Struct


class RecordChosen(Struct, frozen=True, kw_only=True):
    """Which record is meant: its id there, or None for none of the candidates."""

    delivery_id: UUID
    record: str | None
