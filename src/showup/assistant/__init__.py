"""The tools that language models call, for the chat, MCP and the tests alike.

Each tool is one typed function in `tools`. `call` checks the kill switch, the budget, the scope and the arguments of
every call, and marks the text that came from outside. Reads answer at once. Changes wait in `approvals` until a person
grants them, and are undone from there. `mcp_server` and `chat` only carry calls to `call`.
"""
