"""A cluster of two nodes, and a server that joins it. `python -m tests.workers.two_nodes STORE` says what came out."""

from __future__ import annotations

import os
import sys

import ray
import torch
from ray.cluster_utils import Cluster

from mlpviz import Trainer, load_dataset, options
from mlpviz.backend.commands import OneEpoch
from mlpviz.backend.saved import open_store
from mlpviz.backend.specifications import NewRun
from mlpviz.workers.cluster import open_workers
from tests.runs.working import SMALL
from tests.waiting import until


def node(worker: object) -> str:
    return ray.get_runtime_context().get_node_id()


def main(store: str) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ |= {options.RAY: cluster.address, options.STORE: store}
    backend = open_workers(open_store())
    nodes, found = set(), []
    for owner in ("ada", "ben"):
        run = backend.create(NewRun(SMALL), owner).result(60)
        backend.tell(run.id, owner, OneEpoch()).result(10)
        until(lambda run=run, owner=owner: backend.look(run.token) and backend.find(run.id, owner).step == 100, 60)
        nodes.add(ray.get(backend._visitors[owner].post.actor.__ray_call__.remote(node)))
        found.append(backend.snapshot(run.id, owner).steps.column("loss").tolist())
    torch.set_num_threads(1)
    expected = Trainer(SMALL, load_dataset(SMALL.dataset)).train(100).tolist()
    backend.close()
    cluster.shutdown()
    print("two nodes, equal weights" if len(nodes) == 2 and found == [expected, expected] else (nodes, found))


if __name__ == "__main__":
    main(sys.argv[1])
