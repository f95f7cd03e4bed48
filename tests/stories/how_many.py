"""How many stories are told: a handful with the suite, as many as STORIES says in the long form."""

import os

from hypothesis import HealthCheck, Phase, settings

# `make stories STORIES=2000 [SEED=…]`: a run prints its seed, and the same seed tells the same stories.
STORIES = int(os.environ.get("STORIES", "0"))


def of_stories(with_the_suite: int) -> settings:
    """Settings for a test on that many generated stories; the long form looks at as many as it is told to."""
    return settings(
        max_examples=STORIES or with_the_suite,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )


def of_plays(with_the_suite: int) -> settings:
    """As `of_stories`, for plays of some twenty-five steps, each of which is looked at."""
    return settings(of_stories(with_the_suite), stateful_step_count=25)
