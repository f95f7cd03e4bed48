"""A tool: its name, what it does, who may use it, its arguments, and the function that answers."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from showup.access.permission import Permission, Scope
from showup.assistant.tool_context import ToolContext, ToolFailed
from showup.reads.rows import Item

_MAX_FAULTS: Final = 5


class Arguments(BaseModel):
    """The base of all arguments: an unknown name is an error, which the model can correct."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoArguments(Arguments):
    """A tool without arguments."""


class Tool(Struct, frozen=True, kw_only=True):
    """One tool. `is_change`: it changes the pipeline, and waits for a person. `is_remote`: it calls another system."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Callable[[ToolContext, Any], Awaitable[Item]]
    scope: Scope = "read"
    is_change: bool = False
    is_remote: bool = False

    def is_allowed(self, permission: Permission) -> bool:
        """Return whether the caller may use it: others don't see it."""
        return permission.allows(self.scope)

    @property
    def input_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the arguments, in the form that both MCP and Anthropic's API expect."""
        schema = self.arguments.model_json_schema(schema_generator=_PlainSchema)
        return {"type": "object", "properties": schema.get("properties", {}), "required": schema.get("required", [])}

    def parse(self, arguments: dict[str, Any]) -> Arguments:
        """Return the arguments. Raises ToolFailed, which names each wrong one, and repeats no value."""
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False, include_context=False)
            known = self.arguments.model_fields
            faults = [f"{_field(one['loc'], known)}: {one['msg']}" for one in details[:_MAX_FAULTS]]
            raise ToolFailed(f"Correct the arguments of {self.name}: {'; '.join(faults)}.") from None


class _PlainSchema(GenerateJsonSchema):
    """A schema without titles, which only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # pydantic's signature
        """Return False."""
        return False


def _field(location: tuple[int | str, ...], known: Any) -> str:
    return str(location[0]) if location and location[0] in known else "an argument that the tool does not have"
