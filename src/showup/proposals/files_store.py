"""Store the PDF files of proposals in PostgreSQL, one for each version."""

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct


class ProposalFile(Struct, frozen=True, kw_only=True):
    """A PDF file, a PNG picture of its first page, and its number of pages."""

    pdf: bytes
    picture: bytes
    pages: int


async def save_file(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    proposal_id: UUID,
    version: int,
    file: ProposalFile,
    now: datetime,
) -> None:
    """Store the file of a version; one that is stored already stays."""
    await connection.execute(
        """
        INSERT INTO proposal_files (proposal_id, version, workspace_id, pdf, picture, pages, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        *(proposal_id, version, workspace_id, file.pdf, file.picture, file.pages, now),
    )


async def load_file(
    connection: asyncpg.Connection, workspace_id: UUID, proposal_id: UUID, version: int
) -> ProposalFile | None:
    """Return the file of a version; None if none was made."""
    row = await connection.fetchrow(
        """
        SELECT pdf, picture, pages FROM proposal_files
        WHERE workspace_id = $1 AND proposal_id = $2 AND version = $3
        """,
        *(workspace_id, proposal_id, version),
    )
    return None if row is None else ProposalFile(**dict(row))
