"""`/assistant/chats`: a teammate's earlier chats with the assistant, to open or to delete (AS3)."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from showup.assistant import conversations_store
from showup.assistant.conversations_store import MAX_CONVERSATIONS
from showup.web.dashboard.chat import UNKNOWN_CHAT
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.http.app_state import State, read_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(prefix="/assistant/chats", include_in_schema=False, route_class=DashboardRoute)


@router.get("")
async def chats_page(request: Request, session: SignedIn, state: State) -> Response:
    """List the chats of the teammate in this workspace, the one that was used last first."""
    await record_visit(session, state)
    permission = session.permission
    async with read_transaction(state, permission) as tx:
        chats = await conversations_store.list_conversations(tx, session.workspace.id, permission.actor)
        context = {"chats": chats, "most": MAX_CONVERSATIONS, "can_decide": permission.allows("write")}
        return await render_shell(request, "chats.html", context, tx=tx, session=session, state=state)


@router.post("/{chat_id}")
async def delete_chat(request: Request, chat_id: UUID, session: SignedInMember, state: State) -> Response:
    """Delete a chat. What was asked for in it stays in the list of changes."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with state.assistant.write() as tx:
        if not await conversations_store.remove(tx, session.workspace.id, session.permission.actor, chat_id):
            raise Refusal("not-found", UNKNOWN_CHAT)
    return redirect(request, "assistant/chats")
