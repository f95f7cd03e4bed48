"""The operations of the OpenAPI document, and the checks of a response to a generated request."""

import schemathesis
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient

from showup.web.app import openapi_document

_SCHEMA = schemathesis.openapi.from_dict(openapi_document())
# The stream of changes never ends: see tests/web/dashboard/test_live.py.
_OPERATIONS = [found for found in (each.ok() for each in _SCHEMA.get_all_operations()) if found.path != "/api/live"]
# An operation without parameters has no invalid requests.
CASES = [
    (operation, mode)
    for operation in _OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode is schemathesis.GenerationMode.POSITIVE or operation.query or operation.path_parameters or operation.body
]
_CHECKS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)


def check_response(
    client: TestClient, operation: schemathesis.schemas.APIOperation, case: schemathesis.Case, key: str | None
) -> None:
    """Sends the request with the API key; raises a failure of schemathesis if the document doesn't describe it."""
    if operation.method != "get" and case.query:
        # A random name almost never matches a workspace, and commands need one.
        case.query.pop("workspace", None)
    request = case.as_transport_kwargs(headers={"Authorization": f"Bearer {key}"} if key else {})
    # No operation reads a cookie, and the client would send them again with the next request.
    request.pop("cookies", None)
    if isinstance(request.get("data"), bytes):
        request["content"] = request.pop("data")
    case.validate_response(client.request(**request), checks=_CHECKS)
