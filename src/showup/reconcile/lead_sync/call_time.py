"""Limits how long a call of EmailBison's API may take, so that no source keeps the others from being read."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from showup.destinations.contract import TryAgain
from showup.destinations.vendor_api import VendorError

CALL_SECONDS: Final = 150.0

Found = TypeVar("Found")


async def within_time(call: Awaitable[Found]) -> Found:
    """Waits for a call. Raises VendorError where it sends an answer without end."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except TimeoutError:
        because = f"EmailBison did not answer within {CALL_SECONDS:.0f} seconds"
        raise VendorError(TryAgain(because=because, fault="destination")) from None
