"""Limits the endpoints, connections and senders of one workspace: workers read them for each delivery (S07)."""

from typing import Final

MAX_ENDPOINTS: Final = 50
MAX_SENDERS: Final = 50
MAX_CONNECTIONS: Final = 50
"""Without Cal.com accounts, which only the operator adds."""


class QuotaReached(ValueError):
    """Raised when a workspace has as many objects as it may have; the text names the limit, and what to do."""


def check_quota(objects: str, count: int, limit: int) -> None:
    """Raises QuotaReached if one more would be too many; `objects` names them."""
    if count >= limit:
        raise QuotaReached(f"a workspace may have {limit} {objects}, and this one has {count}: delete one first")
