"""Anthropic's Messages API on loopback: a script answers, streamed as the real API streams.

Every request is checked: its headers, the order of roles, and that each call of a tool has its result.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tests.vendors.server import ReceivedRequest, Refusal, VendorResponse, VendorServer

KEY = "sk-ant-test"
Step: TypeAlias = Callable[[dict[str, Any]], Sequence[dict[str, Any]]]
"""Takes the request, and returns the blocks of the answer."""


def says(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": arguments}


def results_of(request: dict[str, Any]) -> list[Any]:
    """Return what the tools of the last round returned."""
    return [json.loads(one["content"]) for one in request["messages"][-1]["content"] if one["type"] == "tool_result"]


class FakeAnthropic(VendorServer):
    """`script` has the steps of the answers to come. `called` are the tools that the model called, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Step] = []
        self.called: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self._ids = 0
        self.add_routes({"POST /v1/messages": self._messages})

    def find_violation(self, request: ReceivedRequest) -> str | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid key"}})
        if not request.headers.get("anthropic-version"):
            return "the version is missing"
        return _fault(request.json)

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002  # the vendor's signature
        return Refusal(400, {"type": "error", "error": {"type": "invalid_request_error", "message": complaint}})

    def _messages(self, request: ReceivedRequest) -> VendorResponse:
        body = request.json
        self.bodies.append(body)
        blocks = [self._with_id(one) for one in self.next_step(body)]
        self.called += [one["name"] for one in blocks if one["type"] == "tool_use"]
        return VendorResponse(200, _stream(body, blocks), {"Content-Type": "text/event-stream"})

    def next_step(self, body: dict[str, Any]) -> Sequence[dict[str, Any]]:
        return self.script.pop(0)(body)

    def _with_id(self, block: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        return block | {"id": f"toolu_{self._ids}"} if block["type"] == "tool_use" else block


def _fault(body: Mapping[str, Any]) -> str | None:
    messages = body["messages"]
    if not body["max_tokens"] > 0 or body["stream"] is not True or not body["model"]:
        return "max_tokens, stream or model is missing"
    if messages[0]["role"] != "user":
        return "the first message is not the user's"
    open_calls: set[str] = set()
    for before, message in zip([None, *messages], messages, strict=False):
        if before is not None and before["role"] == message["role"]:
            return "roles do not alternate"
        results = {one["tool_use_id"] for one in message["content"] if one["type"] == "tool_result"}
        if results != open_calls:
            return f"tool_use without tool_result: {open_calls ^ results}"
        open_calls = {one["id"] for one in message["content"] if one["type"] == "tool_use"}
    return f"tool_use without tool_result: {open_calls}" if open_calls else None


def _stream(body: Mapping[str, Any], blocks: Sequence[dict[str, Any]]) -> bytes:
    stop = "tool_use" if any(one["type"] == "tool_use" for one in blocks) else "end_turn"
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 1},
    }
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, block in enumerate(blocks):
        is_text = block["type"] == "text"
        empty = {"type": "text", "text": ""} if is_text else block | {"input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        whole = block["text"] if is_text else json.dumps(block["input"])
        for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
            delta = (
                {"type": "text_delta", "text": part} if is_text else {"type": "input_json_delta", "partial_json": part}
            )
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 20},
        }
    )
    events.append({"type": "message_stop"})
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events).encode()
