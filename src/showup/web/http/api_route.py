"""The route class of the API: every answer says since when it holds."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from showup.web.http.app_state import AppState

AS_OF: Final = "as_of"
_JSON: Final = "application/json"


class ApiRoute(APIRoute):
    """A route whose answers end with `as_of`, the time at which the request arrived (AP1).

    The answer has every change that was complete at that time. Problems, and answers that are no JSON, have none.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, wrapped to complete the answer."""
        handle = super().get_route_handler()

        async def handle_and_complete(request: Request) -> Response:
            state: AppState = request.app.state.showup
            as_of = state.clock()
            response = await handle(request)
            if response.status_code < 300 and response.headers.get("content-type") == _JSON:
                _append(response, as_of)
            return response

        return handle_and_complete


def _append(response: Response, as_of: datetime) -> None:
    """Append the time to the JSON object, without reading the object again."""
    time = as_of.isoformat().replace("+00:00", "Z")
    response.body = bytes(response.body).removesuffix(b"}") + b',"%b":"%b"}' % (AS_OF.encode(), time.encode())
    response.headers["content-length"] = str(len(response.body))
