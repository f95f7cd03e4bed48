"""R2: what stands in the tables is what the reference model says must stand, after every step of a play."""

import asyncio

from hypothesis.stateful import run_state_machine_as_test

from showup.database.engine import connect
from tests.model.play import Play
from tests.stories.how_many import of_plays


def test_the_tables_agree_with_the_reference_model(database_url: str) -> None:
    with asyncio.Runner() as loop:
        engine = connect(database_url, pool_size=2)
        try:
            run_state_machine_as_test(lambda: Play(engine, loop), settings=of_plays(40))
        finally:
            loop.run(engine.dispose())
