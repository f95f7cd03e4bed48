"""Commands on suppressions: remove them."""

from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query

from showup.database.engine import driver_connection
from showup.outbox.suppressions import remove
from showup.reads.suppressions import find_suppression
from showup.web.api.schemas import ok_response
from showup.web.api.suppressions import SUPPRESSION, SuppressionResponse
from showup.web.command_route import CommandRoute
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.unit_of_work import WriteUnitOfWork

router = APIRouter(prefix="/api/suppressions", tags=["suppressions"], route_class=CommandRoute)
_log = structlog.get_logger()


@router.delete(
    "/{suppression_id}",
    response_model=SuppressionResponse,
    responses=ok_response(SUPPRESSION) | problem_examples("not-found"),
)
async def delete_suppression(
    suppression_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Remove a suppression and return it. The address receives mail again.

    Deliveries that were skipped because of it stay skipped. Resend has its own suppression list, which this does not
    change.
    """
    suppression = found_or_404(
        await find_suppression(unit_of_work.tx, unit_of_work.permission, suppression_id), "suppression"
    )
    await remove(await driver_connection(unit_of_work.tx), suppression_id)
    _log.info("suppression removed", suppression_id=str(suppression_id), actor=unit_of_work.permission.actor)
    return suppression
