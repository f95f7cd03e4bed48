"""All tools, in the order in which a model sees them."""

from typing import Final

from showup.assistant.tool import Tool
from showup.assistant.tools import calcom, changes, lookups, numbers

TOOLS: Final[tuple[Tool, ...]] = (*calcom.TOOLS, *lookups.TOOLS, *numbers.TOOLS, *changes.TOOLS)
