"""A server with the live route alone, and runs in training; `benchmarks.live` starts it and asks it.

`python -m benchmarks.live_server PORT RUNS` prints the runs' tokens as JSON, then serves.
"""

from __future__ import annotations

import json
import sys

import uvicorn
from starlette.applications import Starlette

from mlpviz import Settings
from mlpviz.datasets import default_dataset, load_dataset
from mlpviz.live.engine import get_engine
from mlpviz.live.routes import ROUTES, lifespan


def main(port: int, runs: int) -> None:
    engine = get_engine()
    name = default_dataset()
    started = [
        engine.create(Settings(dataset=name, seed=seed, epochs=1000), load_dataset(name), "benchmark")
        for seed in range(runs)
    ]
    for run in started:
        engine.start(run)
    print(json.dumps([run.token for run in started]), flush=True)
    uvicorn.run(Starlette(routes=ROUTES, lifespan=lifespan), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
