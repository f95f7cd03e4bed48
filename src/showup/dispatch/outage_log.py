"""Logs deliveries for operators: which destination is down, which has recovered, and what was given up.

The reason for giving up may quote an address, so the log has the delivery's id, and the API the reason.
"""

import structlog

from showup.destinations.contract import Pace
from showup.dispatch.dispatch_cycle import DispatchCycle
from showup.dispatch.queue_state import is_down

_log = structlog.get_logger()


def log_cycle(destination: str, workspace: str, cycle: DispatchCycle, pace: Pace) -> None:
    """Logs what a dispatch cycle changed, once per change."""
    log = _log.bind(destination=destination, workspace=workspace)
    before, after = cycle.before, cycle.after
    if is_down(after, pace) and after.paused_until != before.paused_until:
        log.warning("destination paused after repeated failures", because=after.because, until=str(after.paused_until))
    elif after.failing_since is not None and before.failing_since is None:
        log.warning("destination failing", because=after.because)
    elif after.failing_since is None and before.failing_since is not None:
        log.info("destination recovered", since=str(before.failing_since))
    for one in cycle.finished:
        if one.state == "failed":
            log.warning("delivery failed", delivery=str(one.delivery_id))
