"""Implements `showup mcp`: the tools for language models, over standard input and output."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from showup.cli.errors import CliError
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.assistant.tool_context import Caller
    from showup.container import Container

KEY_VARIABLE: Final = "SHOWUP_MCP_KEY"


def mcp(
    workspace: Annotated[str | None, typer.Option(help="The workspace, if the key is for several.")] = None,
) -> None:
    """Serve the assistant's tools over MCP on standard input and output, with the API key in SHOWUP_MCP_KEY.

    A program such as Claude Desktop starts it; docs/ASSISTANT.md says how.

    Example: SHOWUP_MCP_KEY=showup_… showup mcp
    """

    async def work(container: "Container") -> None:
        from importlib.metadata import version

        from showup.assistant.mcp_server import serve_stdio
        from showup.container import build_assistant_services
        from showup.settings import reveal

        key = reveal(container.settings.mcp_key)
        if key is None:
            raise CliError(f"Set {KEY_VARIABLE} to an API key. Create one with `showup keys create NAME --scope read`.")
        services = build_assistant_services(container)

        async def find() -> "Caller":
            return await _find_caller(container, key, workspace)

        await find()
        await serve_stdio(services, find, version=version("showup"))

    run_command(work)


async def _find_caller(container: "Container", key: str, workspace: str | None) -> "Caller":
    from showup.access.keyring import Keyring
    from showup.access.workspaces_store import find
    from showup.assistant.tool_context import ToolFailed, find_caller
    from showup.settings import reveal

    keyring = Keyring(container.engine, container.clock, admin_key=reveal(container.settings.admin_key))
    permission = await keyring.find_permission(key)
    if permission is None:
        raise CliError(f"{KEY_VARIABLE} is no active API key. List the keys with `showup keys list`.")
    async with container.engine.connect() as tx:
        if workspace is not None:
            found = await find(tx, workspace)
            if found is None or not permission.can_see(found.id):
                raise CliError("The key can see no workspace with this name. `showup workspaces list` shows all.")
            permission = permission.limited_to(found.id)
        try:
            return await find_caller(tx, permission)
        except ToolFailed as failed:
            raise CliError(str(failed)) from None
