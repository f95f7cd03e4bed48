"""Authentication: an API key gives a permission, and each route names the scope that it needs."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from showup.access.permission import SCOPES, Permission
from showup.access.workspaces_store import find
from showup.web.http.app_state import State
from showup.web.http.key_check import find_permission
from showup.web.http.problems import Refusal

bearer = HTTPBearer(
    scheme_name="apiKey",
    description=(
        "`Authorization: Bearer KEY`. A key has a scope (read, write or admin; each includes the previous one)"
        " and gives access to one workspace or to all. `showup keys create` creates a key."
    ),
    auto_error=False,
)


async def get_permission(
    request: Request,
    state: State,
    required: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Permission:
    """Return the permission of the key, narrowed by `?workspace=`.

    Refuses a missing key, an invalid key, and a scope that is too small.
    """
    if credentials is None:
        raise _unauthorized('Bearer realm="showup"', None)
    permission = await find_permission(request, state, credentials.credentials)
    if permission is None:
        raise _unauthorized(
            'Bearer realm="showup", error="invalid_token"',
            "The key is unknown or was revoked. Run `showup keys list` to see all keys, or create one.",
        )
    for scope in SCOPES:
        if scope in required.scopes and not permission.allows(scope):
            raise _insufficient_scope(permission, scope)
    slug = request.query_params.get("workspace")
    if slug is not None:
        permission = await _narrow_to_workspace(permission, slug, state)
    request.state.permission = permission
    return permission


Reader = Annotated[Permission, Security(get_permission, scopes=["read"])]
Writer = Annotated[Permission, Security(get_permission, scopes=["write"])]
Admin = Annotated[Permission, Security(get_permission, scopes=["admin"])]


def _unauthorized(challenge: str, detail: str | None) -> Refusal:
    return Refusal("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _insufficient_scope(permission: Permission, scope: str) -> Refusal:
    challenge = f'Bearer realm="showup", error="insufficient_scope", scope="{scope}"'
    detail = (
        f"This request requires the scope {scope}, but the key has the scope {permission.scope}."
        f" Create a key with `--scope {scope}`."
    )
    return Refusal("forbidden", detail, headers={"WWW-Authenticate": challenge})


async def _narrow_to_workspace(permission: Permission, slug: str, state: State) -> Permission:
    async with state.read_engine.connect() as tx:
        # PostgreSQL accepts no NUL in text, and no slug contains one.
        workspace = None if "\0" in slug else await find(tx, slug)
    if workspace is None or not permission.can_see(workspace.id):
        raise Refusal(
            "not-found",
            "The key can see no workspace with this name. To list workspaces, run `showup workspaces list`.",
        )
    return permission.limited_to(workspace.id)
