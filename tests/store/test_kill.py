"""`kill -9` at random moments: each time the run comes back, and at the end it has the bits of an undisturbed one."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.backend.commands import OneEpoch
from tests.store.keeping import ADA, serve, trained, weights
from tests.store.victim import SETTINGS

REPOSITORY = Path(__file__).parent.parent.parent
KILLS = 20
LOST = 2.0  # seconds: the victim saves every 0.7 seconds


@pytest.mark.seeds
def test_a_killed_server_loses_little_and_no_bit(tmp_path):
    path, chance = tmp_path / "runs.sqlite", random.Random(0)
    run_id, before = "", 0
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tests.store.victim", str(path), *filter(None, [run_id])]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as victim:
            run_id, step = victim.stdout.readline().split()
            assert int(step) >= before, "what was saved is not lost"
            time.sleep(1.0 + 1.5 * chance.random())
            victim.send_signal(signal.SIGKILL)
            killed_at = time.time()
        backend = serve(path)
        (about,) = backend.store.about(ADA)
        assert killed_at - about.saved_at < LOST and about.step > before
        before = about.step
        backend.close()
    backend = serve(path)
    back = backend.find(run_id, ADA)
    assert back.step == before and back.interrupted_at == before
    backend.tell(run_id, ADA, OneEpoch()).result(20)
    end = (before // back.steps_per_epoch + 1) * back.steps_per_epoch
    trained(backend, run_id, end)
    undisturbed = Trainer(SETTINGS, load_dataset(SETTINGS.dataset))
    undisturbed.train(end)
    assert all(torch.equal(a, b) for a, b in zip(undisturbed.net.parameters(), weights(backend, run_id), strict=True))
    backend.close()
