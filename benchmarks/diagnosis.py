"""How often the diagnosis is right, and the way back works, on runs that it was not tuned on.

`docs/DIAGNOSIS.md` says what the words mean. `python -m benchmarks.diagnosis [ill runs] [healthy runs] [seed]`
"""

from __future__ import annotations

import math
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import torch

from benchmarks.measure import table
from mlpviz import Settings, Trainer
from mlpviz.datasets import load_dataset
from mlpviz.diagnosis import Cause, Severity, cause_of
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from mlpviz.trainer import Checkpoint

MINI = "fashion-mnist-mini"
HEALTHY, HARM, NEAR = 0.6, 0.15, 0.03  # as docs/DIAGNOSIS.md has them
Draw = random.Random


@dataclass(frozen=True)
class Case:
    """A run to judge.

    Attributes:
        base: healthy settings. settings: the same with one thing changed.
        change: (step, settings) taken up during training, if that is the one thing.
        cause: the thing that was changed.
    """

    base: Settings
    settings: Settings
    change: tuple[int, Settings] | None
    cause: Cause


@dataclass(frozen=True)
class Verdict:
    """What the page said of a case.

    Attributes:
        named: the cause that it named. kind: its diagnosis. alarm: whether it raised an alarm on the way.
        base, ill, saved: test accuracies at the end; `saved` is NaN where no way back was offered.
        way_back: the step and the rate that it offered.
    """

    case: Case
    named: Cause
    kind: str
    alarm: bool
    base: float
    ill: float
    saved: float
    way_back: tuple[int, float] | None


def draw_base(draw: Draw) -> Settings:
    """Settings that are likely to train well."""
    layers = draw.choice([0, 1, 1, 1, 2, 2, 3])
    sizes = tuple(draw.choice([32, 48, 64, 96, 128]) for _ in range(layers))
    activation = draw.choice(["relu", "relu", "tanh", "sigmoid", "gelu", "leaky_relu", "identity"])
    if activation == "sigmoid" and layers > 1:
        activation = "relu"
    init = draw.choice(
        {0: ["normal", "xavier"], 1: ["normal", "xavier", "kaiming", "pytorch"]}.get(layers, ["kaiming"])
    )
    if activation in ("tanh", "sigmoid") and layers:
        init = "xavier"
    optimizer = draw.choice(["sgd", "sgd", "sgd", "adam", "adamw", "rmsprop"])
    momentum = draw.choice([0.0, 0.0, 0.9]) if optimizer == "sgd" else 0.0
    usual = 0.1 if optimizer == "sgd" else 0.002
    rate = usual * (1 - momentum) * math.exp(draw.uniform(math.log(0.4), math.log(2)))
    batch = draw.choice([16, 32, 64, 100, 128, 256])
    size = draw.choice([2_000, 5_000, 10_000])
    steps = draw.randint(300, 800)
    return Settings(
        dataset=MINI,
        hidden_sizes=sizes,
        activation=activation,
        init=init,
        optimizer=optimizer,
        momentum=momentum,
        learning_rate=float(f"{rate:.2g}"),
        batch_size=batch,
        train_size=size,
        epochs=max(1, round(steps / -(-size // batch))),
        seed=draw.randrange(10_000),
    )


def high_rate(base: Settings, draw: Draw) -> Case:
    rate = base.learning_rate * math.exp(draw.uniform(math.log(5), math.log(1000)))
    return Case(base, base.replace(learning_rate=min(10.0, float(f"{rate:.2g}"))), None, Cause.RATE)


def low_rate(base: Settings, draw: Draw) -> Case:
    rate = base.learning_rate / math.exp(draw.uniform(math.log(300), math.log(1e5)))
    return Case(base, base.replace(learning_rate=float(f"{rate:.2g}")), None, Cause.LOW_RATE)


def no_rate(base: Settings, draw: Draw) -> Case:
    return Case(base, base.replace(learning_rate=0.0), None, Cause.LOW_RATE)


def large_init(base: Settings, draw: Draw) -> Case | None:
    std = math.exp(draw.uniform(math.log(0.5), math.log(5)))
    changed = base.replace(init="normal", init_std=float(f"{std:.2g}"))
    return Case(base, changed, None, Cause.INIT) if base.hidden_sizes else None


def zero_init(base: Settings, draw: Draw) -> Case | None:
    return Case(base, base.replace(init="zeros"), None, Cause.ZERO_INIT) if base.hidden_sizes else None


def small_init(base: Settings, draw: Draw) -> Case:
    base = base.replace(hidden_sizes=(64,) * draw.randint(3, 6), activation="relu", init="kaiming", optimizer="sgd")
    base = base.replace(learning_rate=0.1 * (1 - base.momentum))
    std = math.exp(draw.uniform(math.log(1e-4), math.log(0.003)))
    return Case(base, base.replace(init="normal", init_std=float(f"{std:.2g}")), None, Cause.SMALL_INIT)


def deep_sigmoid(base: Settings, draw: Draw) -> Case:
    base = base.replace(hidden_sizes=(64,) * draw.randint(4, 6), activation="relu", init="kaiming", optimizer="sgd")
    base = base.replace(learning_rate=0.1 * (1 - base.momentum))
    init = draw.choice(["xavier", "pytorch"])
    return Case(base, base.replace(activation="sigmoid", init=init), None, Cause.DEPTH)


def strong_decay(base: Settings, draw: Draw) -> Case:
    decay = math.exp(draw.uniform(math.log(0.1), 0.0))
    return Case(base, base.replace(weight_decay=float(f"{decay:.2g}")), None, Cause.DECAY)


def change_on_the_way(base: Settings, draw: Draw) -> Case:
    step = draw.randint(80, 250)
    if base.optimizer == "sgd" and draw.random() < 0.4:
        return Case(base, base, (step, base.replace(momentum=0.99)), Cause.CHANGE)
    rate = base.learning_rate * math.exp(draw.uniform(math.log(30), math.log(300)))
    return Case(base, base, (step, base.replace(learning_rate=min(10.0, float(f"{rate:.2g}")))), Cause.CHANGE)


FAMILIES: list[tuple[float, Callable[[Settings, Draw], Case | None]]] = [
    (0.35, high_rate),
    (0.14, change_on_the_way),
    (0.12, large_init),
    (0.12, strong_decay),
    (0.08, low_rate),
    (0.07, small_init),
    (0.05, deep_sigmoid),
    (0.04, zero_init),
    (0.03, no_rate),
]


def draw_case(seed: int) -> Case | None:
    """An ill run, if it turns out to be ill."""
    draw = Draw(seed)
    family = draw.choices([make for _, make in FAMILIES], [share for share, _ in FAMILIES])[0]
    return family(draw_base(draw), draw)


def trained(settings: Settings, change: tuple[int, Settings] | None = None, begin: Checkpoint | None = None) -> float:
    """The test accuracy at the end, by the plain trainer; 0 where the loss broke. A single test may fall into a dip, so
    it is the mean of five tests over the last fifth of the run."""
    trainer, accuracies = Trainer(settings, load_dataset(MINI)), []
    if begin is not None:
        trainer.restore(begin)
        trainer.change(settings)
    total = settings.epochs * trainer.steps_per_epoch
    tests = {round(total * (0.8 + 0.05 * part)) for part in range(5)}
    while trainer.step < total:
        if change is not None and trainer.step == change[0]:
            trainer.change(change[1])
        loss = trainer.train_one()[1]
        if not math.isfinite(loss.item()):
            return 0.0
        if trainer.step in tests or trainer.step == total:
            accuracies.append(trainer.evaluate().accuracy)
    return sum(accuracies) / len(accuracies)


def watched(case: Case) -> Run:
    """The run as a page has it: it pauses at an alarm, and what happened is found out."""
    run = Run(case.settings, load_dataset(MINI))
    run.start()
    while run.has_work():
        if case.change is not None and run.step == case.change[0]:
            run.change(case.change[1])
        run.advance()
    run.collect()
    return run


def judge(seed: int) -> Verdict | None:
    """What the page says of the ill run of that seed; None where it is none."""
    torch.set_num_threads(1)
    case = draw_case(seed)
    if case is None:
        return None
    base = trained(case.base)
    ill = trained(case.settings, case.change)
    if base < HEALTHY or ill > base - HARM:
        return None
    run = watched(case)
    assert run.health.diagnosis is not None
    post_mortem = run.health.post_mortem
    diagnosis = post_mortem.diagnosis if post_mortem is not None else run.health.diagnosis
    way_back = post_mortem.way_back if post_mortem is not None else None
    saved = math.nan
    if way_back is not None:
        other = branch(run, way_back.step)
        other.change(other.settings.replace(learning_rate=way_back.rate))
        other.start()
        while other.has_work():
            other.advance()
        alone = trained(other.settings, begin=run.health.before(way_back.step))
        saved = alone if other.step >= other.total_steps else 0.0  # an alarm is no rescue
    offered = None if way_back is None else (way_back.step, way_back.rate)
    return Verdict(case, cause_of(diagnosis), diagnosis.kind, post_mortem is not None, base, ill, saved, offered)


def healthy(seed: int) -> Verdict | None:
    """What the page says of the base run of that seed; None where it isn't healthy."""
    torch.set_num_threads(1)
    base = draw_base(Draw(seed))
    run = Run(base, load_dataset(MINI))
    run.health.pauses_when_ill = False
    run.start()
    alarm = False
    while run.has_work():
        run.advance()
        diagnosis = run.health.diagnosis
        alarm |= diagnosis is not None and diagnosis.severity == Severity.ALARM
    run.collect()
    accuracy = run.recording.evaluations[-1][2]
    if accuracy < HEALTHY or run.health.diagnosis is None:
        return None
    diagnosis = run.health.diagnosis
    case = Case(base, base, None, Cause.NONE)
    return Verdict(case, cause_of(diagnosis), diagnosis.kind, alarm, accuracy, accuracy, math.nan, None)


def first(count: int, of: Callable[[int], Verdict | None], seed: int) -> Iterator[Verdict]:
    """The first so many runs that count, from that seed on."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = 0
        while found < count:
            for verdict in pool.map(of, range(seed, seed + 16)):
                if verdict is not None and found < count:
                    found += 1
                    yield verdict
            seed += 16


def interval(right: int, of: int, z: float = 1.96) -> str:
    """A share with its 95 % interval (Wilson's)."""
    if not of:
        return "–"
    share, spread = right / of, z * z / of
    middle, half = share + spread / 2, z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return f"{right} of {of}: {100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


SAVED_BY_GOING_BACK = (Cause.RATE, Cause.CHANGE)


def saved(verdict: Verdict) -> bool:
    """Whether the way back works; where going back can't help, whether none is offered."""
    if verdict.case.cause in SAVED_BY_GOING_BACK:
        return verdict.saved >= verdict.base - NEAR
    return verdict.way_back is None


def mistake(verdict: Verdict) -> list[str]:
    """A row on a run of which the page was wrong."""
    case, way = verdict.case, verdict.way_back
    changed = case.base.differences(case.change[1] if case.change is not None else case.settings)
    what = ", ".join(f"{name} {old} → {new}" for name, (old, new) in changed.items())
    when = f" at step {case.change[0]}" if case.change is not None else ""
    result = "–" if way is None else f"step {way[0]}, rate {way[1]:g}: {verdict.saved:.3f}"
    return [what + when, f"{verdict.named} ({verdict.kind})", f"{verdict.base:.3f}", f"{verdict.ill:.3f}", result]


def main(ill: int = 120, well: int = 120, seed: int = 1_000_000) -> None:
    cases, runs = list(first(ill, judge, seed)), list(first(well, healthy, 2 * seed))
    rows = []
    for cause, count in Counter(verdict.case.cause for verdict in cases).most_common():
        rows.append([cause, interval(sum(v.named == cause for v in cases if v.case.cause == cause), count)])
    rows.append(["all causes", interval(sum(verdict.named == verdict.case.cause for verdict in cases), len(cases))])
    table(["cause", "named rightly"], rows)
    can = [verdict for verdict in cases if verdict.case.cause in SAVED_BY_GOING_BACK]
    cannot = [verdict for verdict in cases if verdict.case.cause not in SAVED_BY_GOING_BACK]
    offered = [verdict for verdict in can if verdict.way_back is not None]
    table(
        ["", "runs"],
        [
            ["can be saved, and are", interval(sum(map(saved, can)), len(can))],
            ["saved, of those with a way back offered", interval(sum(map(saved, offered)), len(offered))],
            ["can't be saved, and no way back is offered", interval(sum(map(saved, cannot)), len(cannot))],
            ["healthy, and no alarm", interval(sum(not verdict.alarm for verdict in runs), len(runs))],
        ],
    )
    wrong = [mistake(verdict) for verdict in cases if verdict.named != verdict.case.cause or not saved(verdict)]
    table(["the change", "named", "base", "ill", "way back"], wrong)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
