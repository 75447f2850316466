"""A server that trains one run and is killed by a test: `python -m tests.store.victim FILE RUN`.

It prints a line when it trains. Without a run's id, it makes a run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mlpviz.backend.commands import Start
from mlpviz.backend.specifications import NewRun
from mlpviz.runs import saver
from tests.runs.working import SMALL
from tests.store.keeping import ADA, serve

SETTINGS = SMALL.replace(hidden_sizes=(256,), epochs=1000)


def main(path: str, run_id: str = "") -> None:
    saver.EVERY = 0.7  # the test does not wait as long as a server
    backend = serve(Path(path))
    run = backend.find(run_id, ADA) if run_id else backend.create(NewRun(SETTINGS), ADA).result(20)
    assert run is not None
    backend.tell(run.id, ADA, Start()).result(20)
    print(run.id, run.step, flush=True)
    while True:
        backend.look(run.token)
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
