"""Settings of the tests that generate histories: how long a history is, and how many of them a test applies.

The database dominates the cost of an example, so its cost is counted in batches: the times that it applies pending
events. The suite gives each test the same number of batches. `make histories` gives each test a number of examples.
"""

import os

from hypothesis import HealthCheck, Phase, settings

# `make histories HISTORIES=2000 [SEED=…]`: a run prints its seed, and the same seed generates the same histories.
HISTORIES = int(os.environ.get("HISTORIES", "0"))

# A test of the suite applies at most so many batches: about 4 seconds on a quiet machine with 2 cores, and less than
# pytest's limit of 120 seconds on a busy one.
SUITE_BATCHES = 400

# Limits of one example: the bodies of a history, the bodies that arrive again, and the steps of a state machine.
MAX_BODIES = 10
MAX_REPEATS = 3
MAX_STEPS = 25

# A rebuild takes as long as so many batches.
REBUILD = 20


def history_settings(*, batches: int) -> settings:
    """Returns settings for a test whose examples apply at most `batches` batches each.

    No example has a deadline: how long it takes depends on what else the machine does.
    """
    return settings(
        max_examples=HISTORIES or SUITE_BATCHES // batches,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )


def machine_settings() -> settings:
    """Returns settings for a state machine that applies one batch in each step."""
    return settings(history_settings(batches=MAX_STEPS), stateful_step_count=MAX_STEPS)
