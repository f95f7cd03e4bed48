"""The PDF of a proposal: who offers it to whom, drawn and served."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.connections.senders_store import sender_rules
from showup.destinations.email.settings import sender_of
from showup.proposals.document import Letterhead, document_of, file_name
from showup.proposals.files_store import ProposalFile
from showup.proposals.proposal import ProposalContent
from showup.reads.proposals import FoundProposal, ProposalContext
from showup.values.time_zone import zone_of
from showup.web.http.app_state import AppState

_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


class ProposalSender(Struct, frozen=True, kw_only=True):
    """Who offers a proposal: a name, and a logo if Showup has its file."""

    name: str
    logo: bytes | None = None


async def sender_of_proposal(tx: AsyncConnection, state: AppState, context: ProposalContext) -> ProposalSender:
    """Return who offers a proposal: the brand of the mail about its meeting, else the workspace's name."""
    senders = (*await sender_rules(tx, context.workspace_id), *state.senders)
    sender = sender_of(context.booker_url, context.organizer_email, senders)
    if sender is None:
        return ProposalSender(name=context.workspace_name)
    # Of a logo at another address, Showup has no file, and a document loads nothing.
    name = (sender.logo or "").removeprefix(f"{state.public_url}/logos/")
    return ProposalSender(name=sender.name or context.workspace_name, logo=state.logos.get(name))


async def draw_proposal(
    state: AppState,
    context: ProposalContext,
    content: ProposalContent,
    *,
    sender: ProposalSender,
    author: str | None,
    is_complete: bool,
) -> ProposalFile:
    """Draw the page, dated today in the workspace's zone; with `is_complete` false only its picture.

    `sender` stands at its head. `author`: who made it; None for the host of the meeting. Raises CannotDraw.
    """
    head = Letterhead(
        sender=sender.name,
        logo=sender.logo,
        author=author or context.author,
        company=context.company or "",
        person=next((one.name or one.email for one in context.recipients if one.email == content.recipient), None),
        date=today_of(context, state.clock()).date(),
    )
    document: dict[str, Any] = document_of(content, head)
    return await state.pdf.draw(document, is_complete=is_complete)


def today_of(context: ProposalContext, now: datetime) -> datetime:
    """Return the time in the workspace's zone."""
    return now.astimezone(zone_of(context.time_zone))


def pdf_response(proposal: FoundProposal, file: ProposalFile) -> Response:
    """Return the file as a download."""
    name = file_name(proposal.number, proposal.company or "")
    disposition = f"attachment; filename=\"Proposal {proposal.number}.pdf\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(file.pdf, media_type="application/pdf", headers=_HEADERS | {"Content-Disposition": disposition})
