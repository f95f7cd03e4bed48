"""Check the API key of a request, whichever header holds it."""

from fastapi import Request

from showup.access.permission import Permission
from showup.web.http.app_state import AppState
from showup.web.http.problems import Refusal


async def find_permission(request: Request, state: AppState, key: str) -> Permission | None:
    """Return the key's permission; None for a wrong key. Refuses an address that sent too many wrong keys."""
    source_address = request.client.host if request.client else None
    wait = state.key_throttle.retry_after(source_address, key)
    if wait is not None:
        raise Refusal("too-many-wrong-keys", headers={"Retry-After": str(wait)})
    permission = await state.keyring.find_permission(key)
    state.key_throttle.record(source_address, key, is_valid=permission is not None)
    return permission
