"""What ClickUp's answers come to when they are refusals."""

from datetime import datetime
from typing import Final

import httpx2

from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.wire import parsed, plain

# The token itself is refused; other words of 401 speak of a workspace that the token can't open.
_TOKEN: Final = frozenset({"OAUTH_017", "OAUTH_018", "OAUTH_019", "OAUTH_021", "OAUTH_025", "OAUTH_077"})


class Refused(Exception):
    """Something was not as it should be: `outcome` is what that is for a delivery, `status` the answer's, else 0.

    A good token that is kept out of something is 403, as which ClickUp does not always put it.
    """

    def __init__(self, outcome: TryAgain | GaveUp, status: int = 0) -> None:
        super().__init__(outcome.because)
        self.outcome = outcome
        self.status = status

    @property
    def may_be_old_news(self) -> bool:
        """Whether it may come of what we thought the lists were like."""
        return isinstance(self.outcome, GaveUp) and self.status in (0, 400, 404)


def refused(answer: httpx2.Response, what: str, token: str, now: datetime) -> Refused:
    """What comes of an answer that is no success; `what` says what was asked for, for whoever reads it."""
    said, status = parsed(answer), answer.status_code
    words = plain(str(said.get("err") or ""), f"HTTP {status}", secret=token)
    code = str(said.get("ECODE"))
    keeps_out = status == httpx2.codes.UNAUTHORIZED and not _is_of_the_token(code)
    outcome = _outcome(answer, f"{what}: {words}", code, now)
    return Refused(outcome, httpx2.codes.FORBIDDEN if keeps_out else status)


def _is_of_the_token(code: str) -> bool:
    return code in _TOKEN or not code.startswith("OAUTH_")


def strange(words: str) -> TryAgain:
    """Something answers that isn't ClickUp."""
    because = f"what answered does not speak like ClickUp: {words}. Look at CLICKUP_API_URL"
    return TryAgain(because=because, fault="destination")


def _outcome(answer: httpx2.Response, words: str, code: str, now: datetime) -> TryAgain | GaveUp:
    match answer.status_code:
        case 429:
            # Every answer of theirs says when the limit begins anew; only here does it matter.
            later = not_before(answer.headers, now)
            return TryAgain(because=f"ClickUp takes no more for now ({words})", not_before=later, fault="limit")
        case 401 if _is_of_the_token(code):
            return TryAgain(because=f"ClickUp refuses us ({words}). Put CLICKUP_API_TOKEN right", fault="destination")
        case 401 | 403:
            hint = "Let whoever the token belongs to work in that list, or use another token"
            return TryAgain(because=f"ClickUp does not let this token in ({words}). {hint}", fault="destination")
        case 409 | 423 | 425:
            return TryAgain(because=f"ClickUp is busy with that task ({words})")
        case 400 | 404 | 410 | 413 | 422:
            return GaveUp(because=f"ClickUp can't do this ({words})")
        case status if status >= 500 or status == 408:
            return TryAgain(because=f"ClickUp is out of order ({words})", fault="destination")
        case _:
            return strange(words)
