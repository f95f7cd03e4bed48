"""Who is asking: an API key becomes a permit, and every route says which scope it needs."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from showup.access.permit import SCOPES, Permit
from showup.access.workspaces_store import find
from showup.web.ground import OnGround
from showup.web.problems import Refusal

bearer = HTTPBearer(
    scheme_name="API key",
    description=(
        "`Authorization: Bearer KEY`. A key has a scope (read, write or admin, each including the one before)"
        " and opens one workspace or all; `showup keys create` makes one."
    ),
    auto_error=False,
)


async def permit_of(
    request: Request,
    ground: OnGround,
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Permit:
    """The permit behind the key, narrowed by `?workspace=`. Refuses no key, a bad one, too small a scope."""
    if credentials is None:
        raise _unknown('Bearer realm="showup"', None)
    permit = await ground.keyring.permit(credentials.credentials)
    if permit is None:
        raise _unknown(
            'Bearer realm="showup", error="invalid_token"',
            "The key is unknown or was revoked: see `showup keys list`, or `showup keys create` another.",
        )
    for scope in SCOPES:
        if scope in needed.scopes and not permit.allows(scope):
            raise _falls_short(permit, scope)
    slug = request.query_params.get("workspace")
    return permit if slug is None else await _narrowed(permit, slug, ground)


Reader = Annotated[Permit, Security(permit_of, scopes=["read"])]
Writer = Annotated[Permit, Security(permit_of, scopes=["write"])]
Admin = Annotated[Permit, Security(permit_of, scopes=["admin"])]


def _unknown(challenge: str, detail: str | None) -> Refusal:
    return Refusal("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _falls_short(permit: Permit, scope: str) -> Refusal:
    challenge = f'Bearer realm="showup", error="insufficient_scope", scope="{scope}"'
    detail = f"This takes the scope {scope}, and the key has {permit.scope}: make one with `--scope {scope}`."
    return Refusal("forbidden", detail, headers={"WWW-Authenticate": challenge})


async def _narrowed(permit: Permit, slug: str, ground: OnGround) -> Permit:
    async with ground.reading.connect() as tx:
        # PostgreSQL takes no NUL in a text, and no slug has one.
        workspace = None if "\0" in slug else await find(tx, slug)
    if workspace is None or not permit.sees(workspace.id):
        raise Refusal("not-found", "The key opens no workspace of this name: see `showup workspaces list`.")
    return permit.within(workspace.id)
