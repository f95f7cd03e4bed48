"""What an operator reads in the log of deliveries: who is down, who is back, and what was given up.

Why something was given up may quote somebody's address, so the log has its id, and the API the reason.
"""

import structlog

from showup.deliveries.pausing import is_down
from showup.deliveries.turns import Turn
from showup.destinations.contract import Pace

_log = structlog.get_logger()


def report(destination: str, workspace: str, turn: Turn, pace: Pace) -> None:
    """Logs what a look at a lane changed, once each time that it changes."""
    log = _log.bind(destination=destination, workspace=workspace)
    before, after = turn.before, turn.after
    if is_down(after, pace) and after.paused_until != before.paused_until:
        log.warning("a destination is left in peace", because=after.because, until=str(after.paused_until))
    elif after.failing_since is not None and before.failing_since is None:
        log.warning("a destination fails", because=after.because)
    elif after.failing_since is None and before.failing_since is not None:
        log.info("a destination takes what it is told again", since=str(before.failing_since))
    for one in turn.settled:
        if one.state == "failed":
            log.warning("a delivery was given up", delivery=str(one.delivery_id))
