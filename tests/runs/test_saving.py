"""A run that is saved at any moment and brought back goes on with the bits of an undisturbed one."""

import numpy as np
import pytest
import torch

from mlpviz import Settings
from mlpviz.backend.saved import codec
from mlpviz.runs.pair import Pair
from mlpviz.runs.pin import Pin
from mlpviz.runs.run import Run
from mlpviz.runs.saving import Saved, bring_back, save, what_is_saved
from mlpviz.snapshot import Status
from tests.runs.working import SMALL, work_off
from tests.store.test_codec import same

CASES = {
    "sgd": {},
    "momentum": {"momentum": 0.9, "nesterov": True},
    "adam": {"optimizer": "adam", "learning_rate": 0.001},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.001},
    "decay": {"optimizer": "adamw", "learning_rate": 0.001, "weight_decay": 0.1},
    "deep": {"hidden_sizes": (16, 16), "init": "kaiming", "activation": "tanh"},
    "linear": {"hidden_sizes": ()},
    "more units than pictures": {"hidden_sizes": (64,), "learning_rate": 0.5},
    "odd mini-batches": {"batch_size": 64},
}


def through_bytes(saved: Saved) -> Saved:
    """As it comes from the file."""
    pieces = {}

    def refer(piece):
        return pieces.setdefault(id(piece), (str(len(pieces)), codec().encode(piece)))[0]

    data = codec().encode(saved.state, refer)
    found = dict(pieces.values())
    state = codec().decode(data, lambda name: codec().decode(found[name]))
    return Saved(saved.id, saved.owner, saved.token, saved.kind, saved.about, state)


def advance(run: Run, pieces: int) -> None:
    """Some pieces of work, with a snapshot now and then."""
    for i in range(pieces):
        if not run.has_work():
            return
        run.advance()
        if i % 7 == 0:
            run.refresh(1)


def recorded(run: Run):
    """All that a run has recorded, but for the times."""
    recording, inspections = run.recording, run.inspections
    inspections.sample_here()
    run.collect()
    inspection, _ = inspections.show()
    return {
        "recent": recording.recent_means(),
        "fingerprints": recording.fingerprints,
        "vitals": run.health.diagnosis.vitals,
        "units": inspection.first_layer_units,
        "dead": inspections.dead_shares(),
        "weights": [p.detach() for p in run.trainer.net.parameters()],
        "steps": vars(recording.steps.series()),
        "evaluations": recording.evaluations,
        "changes": list(recording.changes),
        "logits": recording.results.logits,
        "past": [past.step for past in recording.results.past],
        "trend": vars(inspections.trend()),
        "checkpoints": run.health.checkpoints.steps(),
        "diagnosis": run.health.diagnosis.kind,
        "answers": inspections.examples.look().probabilities,
        "film": run.film.moments,
    }


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("pieces", [1, 23, 40, 55])
def test_it_goes_on_with_the_same_bits(tiny, name, pieces):
    settings = SMALL.replace(**CASES[name])
    undisturbed, run = Run(settings, tiny), Run(settings, tiny)
    undisturbed.start()
    work_off(undisturbed)
    run.start()
    advance(run, pieces)
    back = bring_back(through_bytes(save(run, "token")), tiny)
    assert isinstance(back, Run) and back.id == run.id and back.step == run.step
    back.start()
    work_off(back)
    same(recorded(undisturbed), recorded(back))


def test_it_is_saved_at_many_moments_one_after_another(tiny):
    undisturbed, run = Run(SMALL.replace(epochs=4), tiny), Run(SMALL.replace(epochs=4), tiny)
    undisturbed.start()
    work_off(undisturbed)
    for _ in range(40):
        run.start()
        advance(run, 3)
        run = bring_back(through_bytes(save(run, "")), tiny)
    run.start()
    work_off(run)
    same(recorded(undisturbed), recorded(run))


def test_it_comes_back_paused_where_it_was_saved_and_shows_the_same(tiny):
    run = Run(SMALL, tiny)
    run.start()
    while run.step < 5:
        run.advance()
    run.inspections.sample_here()
    run.collect()
    inspection, _ = run.inspections.show()
    back = bring_back(through_bytes(save(run, "")), tiny)
    assert back.status == Status.PAUSED and back.interrupted_at == 5 and back.goal == 5
    assert back.snapshot is not None and back.snapshot.version > 1000
    same(inspection.gradients, back.snapshot.inspection.gradients)
    same(inspection.weights, back.snapshot.inspection.weights)
    assert np.array_equal(run.recording.steps.series().mean, back.snapshot.steps.mean)


def test_a_change_on_the_way_and_the_switches_come_back(tiny):
    run = Run(SMALL, tiny)
    run.goal = 4
    work_off(run)
    run.change(run.settings.replace(learning_rate=0.03, momentum=0.5, epochs=5))
    run.health.pauses_when_ill = False
    run.pace.set("slow")
    back = bring_back(through_bytes(save(run, "")), tiny)
    assert back.settings == run.settings and back.pace.speed == "slow" and not back.health.pauses_when_ill
    assert list(back.recording.changes) == list(run.recording.changes)
    assert back.recording.settings_log == run.recording.settings_log
    assert back.interrupted_at is None, "it rested when it was saved"
    for each in (run, back):
        each.pace.set("full")
        each.start()
        work_off(each)
    same(recorded(run), recorded(back))


def test_an_alarm_and_its_post_mortem_come_back_even_from_the_middle_of_the_examination(tiny):
    settings = Settings(
        dataset="fashion-mnist-mini", hidden_sizes=(16, 16), init_std=1.0, learning_rate=1.0, batch_size=50, epochs=20
    )
    runs = [Run(settings, tiny), Run(settings, tiny)]
    for run in runs:
        run.start()
    work_off(runs[0])
    while not runs[1].health.examining():
        runs[1].advance()
    runs[1].advance()
    back = bring_back(through_bytes(save(runs[1], "")), tiny)
    assert back.status == Status.EXAMINING
    work_off(back)
    ours, theirs = runs[0].health.post_mortem, back.health.post_mortem
    assert ours is not None and theirs is not None
    assert ours.first_bad == theirs.first_bad
    same(ours.way_back, theirs.way_back)
    same(ours.rows, theirs.rows)
    assert back.health.before(back.step).step == runs[0].health.before(runs[0].step).step


def test_a_measurement_of_the_sharpness_comes_back_and_goes_on(tiny):
    runs = [Run(SMALL, tiny), Run(SMALL, tiny)]
    for run in runs:
        run.inspections.sharpness.on = True
        run.start()
    work_off(runs[0])
    while not (runs[1].inspections.sharpness.measuring() and runs[1].step > 5):
        runs[1].advance()
    runs[1].advance()
    back = bring_back(through_bytes(save(runs[1], "")), tiny)
    assert back.inspections.sharpness.on and back.inspections.sharpness.measuring()
    back.start()
    work_off(back)
    same(vars(runs[0].inspections.sharpness.series()), vars(back.inspections.sharpness.series()))


@pytest.mark.parametrize("at", [0, 5])
def test_a_twin_comes_back_with_its_leader(tiny, at):
    pairs = []
    for _ in range(2):
        leader = Run(SMALL, tiny)
        leader.goal = at
        work_off(leader)
        Pair.of(leader, {"learning_rate": 0.3}).begin()
        leader.start()
        pairs.append(leader)
    work_off(pairs[0])
    advance(pairs[1], 25)
    saved = save(pairs[1], "leader", "follower")
    back = bring_back(through_bytes(saved), tiny)
    follower = back.leads.follower
    assert follower.id == pairs[1].leads.follower.id and follower.follows is back.leads
    assert saved.state["twin"]["token"] == "follower"
    back.start()
    work_off(back)
    same(recorded(pairs[0]), recorded(back))
    same(recorded(pairs[0].leads.follower), recorded(follower))
    same(pairs[0].leads.comparison().first_difference, back.leads.comparison().first_difference)
    same(pairs[0].leads.comparison().losses, back.leads.comparison().losses)


def test_a_branch_comes_back(tiny):
    from mlpviz.runs.branch import branch

    run = Run(SMALL.replace(epochs=12), tiny)
    run.goal = 110
    work_off(run)
    branches = [branch(run, 50), branch(run, 50)]
    branches[1].goal = 60
    work_off(branches[1])
    back = bring_back(through_bytes(save(branches[1], "")), tiny)
    assert back.begun_at == 50
    for each in (branches[0], back):
        each.start()
        work_off(each)
    same(recorded(branches[0]), recorded(back))


def test_a_pin_comes_back(tiny):
    pin = Pin(work_off(Run(SMALL, tiny)), "ada")
    back = bring_back(through_bytes(save(pin, "token")), None)
    assert back.id == pin.id
    same(pin.snapshot, back.snapshot)


def test_taking_the_state_changes_nothing_and_shares_nothing_that_changes(tiny):
    undisturbed, run = Run(SMALL, tiny), Run(SMALL, tiny)
    for each in (undisturbed, run):
        each.start()
    work_off(undisturbed)
    states = []
    while run.has_work():
        run.advance()
        states.append((save(run, ""), what_is_saved(run)))
    same(recorded(undisturbed), recorded(run))
    early = states[12][0]
    assert early.state["network"]["step"] < run.step
    back = bring_back(through_bytes(early), tiny)
    back.start()
    work_off(back)
    same(recorded(undisturbed), recorded(back))


def test_the_number_of_threads_comes_back(tiny):
    run = Run(SMALL, tiny)
    run.threads = 2
    assert bring_back(through_bytes(save(run, "")), tiny).threads == 2
    run.threads = None
    assert bring_back(through_bytes(save(run, "")), tiny).threads == torch.get_num_threads()
