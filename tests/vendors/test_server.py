"""A fake vendor reports each mistake at its end, and breaks responses as a test asks it to."""

from typing import Any, ClassVar

import httpx2
import pytest

from tests.vendors.faults import VendorResponse
from tests.vendors.openapi import OpenApiDocument
from tests.vendors.server import ReceivedRequest, Refusal, VendorServer

_NUMBER = {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}
_ORDER = {"type": "object", "required": ["pieces"], "properties": {"pieces": {"type": "integer"}}}
_CONTENT = {"content": {"application/json": {"schema": _ORDER}}}
DOCUMENT = OpenApiDocument(
    {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://shop.example"}],
        "paths": {
            "/orders": {"post": {"requestBody": _CONTENT, "responses": {"200": {"description": "The order"}}}},
            "/orders/{number}": {
                "get": {"parameters": [_NUMBER], "responses": {"200": {"description": "The order", **_CONTENT}}}
            },
        },
    }
)


class FakeShop(VendorServer):
    refusals: ClassVar = {"500": Refusal(500, {"error": "out of order"})}

    def __init__(self) -> None:
        super().__init__(document=DOCUMENT)
        self.orders: list[Any] = []
        self.add_routes({"POST /orders": self._order, "GET /orders/{number}": self._show})

    def _order(self, request: ReceivedRequest) -> VendorResponse:
        self.orders.append(request.json)
        return VendorResponse(200, {})

    def _show(self, _request: ReceivedRequest, number: str) -> Any:
        return self.orders[int(number)]


def order(fake: FakeShop, body: Any) -> httpx2.Response:
    return httpx2.post(f"{fake.url}/orders", json=body)


def test_a_request_has_its_effect_and_is_recorded() -> None:
    with FakeShop() as fake:
        order(fake, {"pieces": 7})
        assert httpx2.get(f"{fake.url}/orders/0").json() == {"pieces": 7}
    assert (fake.calls, fake.answers) == (["POST /orders", "GET /orders/0"], {"200": 2})
    assert (fake.requests[0].json, fake.requests[0].status) == ({"pieces": 7}, 200)


@pytest.mark.parametrize("body", [{"pieces": "many"}, {}, {"pieces": 7, "color": "red"}])
def test_a_request_that_the_document_forbids_is_refused_and_raised_at_the_end(body: Any) -> None:
    with pytest.raises(AssertionError, match="POST /orders"), FakeShop() as fake:
        assert order(fake, body).status_code == 400
    assert fake.orders == []


@pytest.mark.parametrize(
    ("path", "message"), [("/orders/0", "200 to GET"), ("/orders/7", "failed: IndexError"), ("/carts", "GET /carts")]
)
def test_an_invalid_response_a_bug_and_an_unknown_call_are_raised_at_the_end(path: str, message: str) -> None:
    fake = FakeShop()
    fake.orders.append({"color": "red"})
    with pytest.raises(AssertionError, match=message), fake:
        httpx2.get(f"{fake.url}{path}")


def test_only_a_lost_response_has_an_effect() -> None:
    with FakeShop() as fake:
        fake.faults.queue("lost", "reset", "500", VendorResponse(418, b"no tea"), "garbled")
        for number in (1, 2):
            with pytest.raises(httpx2.TransportError):
                order(fake, {"pieces": number})
        assert order(fake, {"pieces": 3}).json() == {"error": "out of order"}
        assert (order(fake, {"pieces": 4}).status_code, fake.faults.has_queued) == (418, True)
        with pytest.raises(httpx2.DecodingError):
            order(fake, {"pieces": 5})
    assert fake.orders == [{"pieces": 1}]
    assert fake.answers == {"lost": 1, "reset": 1, "500": 1, "418": 1, "garbled": 1}


def test_a_fault_that_it_does_not_have_is_raised_at_the_end() -> None:
    fake = FakeShop()
    fake.faults.queue("5000")
    with pytest.raises(AssertionError, match="no such fault: 5000"), fake:
        order(fake, {"pieces": 1})


def test_a_stopped_server_refuses_connections_until_it_starts() -> None:
    with FakeShop() as fake:
        fake.stop()
        with pytest.raises(httpx2.ConnectError):
            order(fake, {"pieces": 1})
        fake.start()
        assert order(fake, {"pieces": 1}).status_code == 200
