"""How many stories are told: a handful with the suite, as many as HISTORIES says in the long form."""

import os

from hypothesis import HealthCheck, Phase, settings

# `make histories HISTORIES=2000 [SEED=…]`: a run prints its seed, and the same seed tells the same stories.
HISTORIES = int(os.environ.get("HISTORIES", "0"))


def history_settings(default_examples: int) -> settings:
    """Settings for a test on that many generated stories; the long form looks at as many as it is told to."""
    return settings(
        max_examples=HISTORIES or default_examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )


def machine_settings(default_examples: int) -> settings:
    """As `of_stories`, for plays of some twenty-five steps, each of which is looked at."""
    return settings(history_settings(default_examples), stateful_step_count=25)
