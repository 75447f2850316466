"""A server with only the live route, and with runs in training. `benchmarks.live` starts and uses it.

`python -m benchmarks.live_server PORT RUNS SPEED` prints the runs' tokens as JSON, then serves.
"""

from __future__ import annotations

import json
import sys

import uvicorn
from starlette.applications import Starlette

from mlpviz import Settings
from mlpviz.backend.commands import SetSpeed, Start
from mlpviz.backend.specifications import NewRun
from mlpviz.catalog import default_dataset
from mlpviz.live.backend import get_backend
from mlpviz.live.routes import ROUTES, lifespan


def main(port: int, runs: int, speed: str) -> None:
    backend, name = get_backend(), default_dataset()
    plans = [NewRun(Settings(dataset=name, seed=seed, epochs=1000)) for seed in range(runs)]
    owners = [f"visitor {i}" for i in range(runs)]  # one visitor may have a dozen runs
    started = [backend.create(plan, owner).result() for plan, owner in zip(plans, owners, strict=True)]
    for run, owner in zip(started, owners, strict=True):
        backend.tell(run.id, owner, SetSpeed(speed)).result()
        backend.tell(run.id, owner, Start()).result()
    print(json.dumps([run.token for run in started]), flush=True)
    uvicorn.run(Starlette(routes=ROUTES, lifespan=lifespan), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
