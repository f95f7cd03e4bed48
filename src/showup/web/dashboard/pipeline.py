"""`/pipeline`: the board of active deals by stage, and the forms that move them (AP4, CA7)."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.deals.deal import DealChange, Status
from showup.events.deal import DealChanged
from showup.inbox.rules import in_force
from showup.reads.command_targets import target_of_deal
from showup.reads.moved_deal import MovedDeal, find_moved_deal
from showup.web.dashboard.action_result import ActionResult, Undo
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.pipeline_view import BoardQuery, Refused, build_board, query_of
from showup.web.dashboard.shell import record_visit, render_shell, shell_context, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import clipped, sentence
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_STATUSES: Final[dict[str, Status]] = {"status:won": "won", "status:lost": "lost", "status:cancelled": "cancelled"}
_REASONS: Final = ("Price", "No need now", "Chose another", "Went silent")
_MAX_REASON: Final = 500


@router.get("/pipeline")
async def pipeline_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show the board."""
    await record_visit(session, state)
    return await render_board(request, session, state, _query(request), template="pipeline.html")


@router.get("/parts/pipeline")
async def pipeline_part(request: Request, session: SignedIn, state: State) -> Response:
    """Return the board as it is now, with the counts of the frame: it changes while it is open."""
    return await render_board(request, session, state, _query(request))


@router.get("/deals/{deal_id}/move")
async def move_page(request: Request, deal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Show where a deal can go, as a form that needs no script."""
    async with read_transaction(state, session.permission) as tx:
        deal = await _find(tx, session, deal_id)
        return await _move_page(request, session, state, tx, deal=deal, query=_query(request))


@router.post("/deals/{deal_id}/move")
async def move(request: Request, deal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Move a deal to a stage, or close it. A refusal is shown where the deal was dropped, and changes nothing."""
    form = await read_form(request)
    check_csrf(request, session, form)
    query = query_of(dict(parse_qsl(form.get("board", "").removeprefix("?"))))
    to = form.get("to", "")
    async with write_transaction(state) as tx:
        target = await target_of_deal(tx, session.permission, deal_id)
        if target is None:
            raise _not_found()
        unit_of_work = unit_of_work_of(session, state, tx)
        # From here on nobody else moves it.
        await unit_of_work.lock(target.workspace_id)
        deal = await _find(tx, session, target.id)
        because = _fault(deal, form)
        if because is None:
            change = _change(to, form.get("reason", ""))
            event = DealChanged(subject=target.name, change=change, seats_of=target.seats_of or target.company)
            because = (await unit_of_work.try_execute(target.workspace_id, event)).refused
    if because is not None and not is_part(request):
        async with read_transaction(state, session.permission) as tx:
            return await _move_page(request, session, state, tx, deal=deal, query=query, because=because)
    if not is_part(request):
        return redirect(request, f"pipeline{query.path()}")
    if because is not None:
        return await render_board(request, session, state, query, refused=_refused(deal, to, because))
    return await render_board(request, session, state, query, result=_result(deal, to, query), moved=deal.id)


async def render_board(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    query: BoardQuery,
    *,
    template: str = "parts/pipeline.html",
    result: ActionResult | None = None,
    refused: Refused | None = None,
    moved: UUID | None = None,
) -> Response:
    """Return the board: the page, or for htmx its part, with what an action did."""
    async with read_transaction(state, session.permission) as tx:
        viewer = viewer_of(session, state)
        board = await build_board(tx, session, viewer, query)
        context = await shell_context(tx, session, viewer) | {
            "board": board,
            "result": result,
            "refused": refused,
            "moved": moved,
            "reasons": _REASONS,
        }
    return render_page(request, template, context)


def _query(request: Request) -> BoardQuery:
    return query_of(dict(request.query_params))


async def _find(tx: AsyncConnection, session: Session, deal_id: UUID) -> MovedDeal:
    deal = await find_moved_deal(tx, session.permission, deal_id)
    if deal is None:
        raise _not_found()
    return deal


def _not_found() -> Refusal:
    return Refusal("not-found", "You can see no deal with this address.")


def _fault(deal: MovedDeal, form: dict[str, str]) -> str | None:
    """Return why the form itself is refused, before the rules see it; None if it is complete."""
    to, seen = form.get("to", ""), form.get("seen", "")
    if seen and seen != deal.place:
        return f"it is in {place_name(deal.place)} now: somebody moved it meanwhile"
    if to not in _STATUSES and not to.startswith("stage:"):
        return "no stage was chosen"
    if to == "status:lost" and not form.get("reason"):
        return "a lost deal needs a reason"
    if len(form.get("reason", "")) > _MAX_REASON:
        return f"a reason may have {_MAX_REASON} characters"
    return None


def _change(to: str, reason: str) -> DealChange:
    if (status := _STATUSES.get(to)) is not None:
        return DealChange(status=status, lost_reason=reason if status == "lost" else None)
    return DealChange(stage=to.removeprefix("stage:"), status="active")


def place_name(place: str) -> str:
    """Return a stage or a status as pages write it."""
    return sentence(clipped(place.partition(":")[2]))


def _result(deal: MovedDeal, to: str, query: BoardQuery) -> ActionResult:
    fields = {"to": deal.place, "seen": to, "board": query.path(), "reason": deal.lost_reason or ""}
    undo = Undo(label="Undo", path=f"deals/{deal.id}/move", fields=fields)
    verb = "is" if to in _STATUSES else "moved to"
    place = place_name(to).lower() if to in _STATUSES else place_name(to)
    return ActionResult(text=f"{clipped(deal.company)} {verb} {place}.", undo=undo)


def _refused(deal: MovedDeal, to: str, because: str) -> Refused:
    return Refused(
        title=f"{clipped(deal.company)} stays in {place_name(deal.place)}.",
        because=f"{because[:1].upper()}{because[1:]}.",
        place=to,
        other_deal=deal.active_id,
    )


async def _move_page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    *,
    deal: MovedDeal,
    query: BoardQuery,
    because: str | None = None,
) -> Response:
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    stages: Sequence[str] = rules.stages
    context: dict[str, Any] = {
        "deal": deal,
        "stages": stages,
        "query": query,
        "refused": None if because is None else _refused(deal, "", because),
        "reasons": _REASONS,
    }
    status = 200 if because is None else 409
    return await render_shell(request, "move.html", context, tx=tx, session=session, state=state, status=status)
