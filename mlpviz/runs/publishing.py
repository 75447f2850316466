"""What others see of a run: its state, and its snapshots. A snapshot is made when there is something new to show."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mlpviz.film import Roll
from mlpviz.grid import Cell
from mlpviz.runs.speedometer import Speedometer
from mlpviz.snapshot import REFRESH, Glance, Inspection, Snapshot, Status
from mlpviz.state import RunState, TwinState

if TYPE_CHECKING:
    from mlpviz.runs.run import Run

GLANCE = 30  # points of the curve of a run at a glance, at most
SHARE = 0.2  # of the engine's time at most, for the histograms and images of all runs together


class Publisher:
    """Makes the snapshots of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._speedometer = Speedometer(run.clock)
        self._next_refresh = 0.0
        self._shown: tuple[object, ...] = (None,)

    def refresh(self, watched: int) -> None:
        """Make a snapshot if one is due and would show anything new. `watched` tasks share the engine."""
        run, now = self._run, self._run.clock.now()
        if now < self._next_refresh and run.status == self._shown[0]:
            return
        news = self._to_show()
        if news == self._shown:
            return
        if run.step >= run.goal:
            run.inspections.sample_here()
        run.collect()
        inspection, seconds = run.inspections.show()
        interval = max(REFRESH, seconds * watched / SHARE)
        late = now - self._next_refresh
        since = self._next_refresh if 0 <= late < interval / 2 else now  # a little late: the next one keeps its time
        self._next_refresh, self._shown = since + interval, news
        speed = self._speedometer.measure(run.step, run.status == Status.TRAINING, run.pace.interval)
        run.snapshot = run_snapshot(run, inspection, speed)

    def show_status(self) -> None:
        """The run has begun or stopped something. If nothing else of the newest snapshot has changed, show this at
        once: where very many runs share the engine, the next snapshot comes only after some seconds."""
        run, known = self._run, self._run.snapshot
        if known is not None and known.step == run.step and known.status != run.status:
            run.snapshot = replace(known, version=known.version + 1, status=run.status)

    def show_where_it_rests(self) -> None:
        """If the run rests, make sure that the newest snapshot is of this step."""
        if self._run.step >= self._run.goal and not self._run.failed:
            self._next_refresh = 0.0
            self.refresh(1)

    def _to_show(self) -> tuple[object, ...]:
        """A value that changes whenever there is something new to show."""
        run = self._run
        measured = run.recording.prices.times("sharpness")
        evaluations = len(run.recording.evaluations)
        looks = (measured, run.inspections.line_shares is None, run.inspections.examples.chosen)
        return (run.status, run.step, evaluations, run.settings, run.health.post_mortem, looks, run.pace.speed)


def run_state(run: Run) -> RunState:
    """The present state of the run."""
    trainer, dataset = run.trainer, run.trainer.dataset
    post_mortem = run.health.post_mortem
    return RunState(
        id=run.id,
        status=run.status,
        message=run.message,
        step=run.step,
        total_steps=run.total_steps,
        version=run.version,
        specification=run.specification,
        settings=run.settings,
        steps_per_epoch=trainer.steps_per_epoch,
        goal=run.goal,
        begun_at=run.begun_at,
        interrupted_at=run.interrupted_at,
        pauses_when_ill=run.health.pauses_when_ill,
        measures_sharpness=run.inspections.sharpness.on,
        speed=run.pace.speed,
        examples=run.inspections.examples.chosen,
        twin=_twin(run),
        evaluations=len(run.recording.evaluations),
        changes=tuple(run.recording.changes),
        settings_log=tuple(run.recording.settings_log),
        examined=post_mortem is not None,
        way_back=(post_mortem.way_back.step, post_mortem.way_back.rate)
        if post_mortem is not None and post_mortem.way_back is not None
        else None,
        dataset=dataset.title,
        classes=dataset.classes,
        train_size=trainer.train_size,
        test_size=len(dataset.test.images),
        layers=run.settings.layer_sizes,
        device=trainer.device.type,
        threads=run.threads or torch.get_num_threads(),
    )


def run_snapshot(run: Run, inspection: Inspection, steps_per_second: float) -> Snapshot:
    """A snapshot of the run."""
    trainer, recording, health = run.trainer, run.recording, run.health
    return Snapshot(
        version=run.version + 1,
        run=run.id,
        status=run.status,
        message=run.message,
        step=run.step,
        total_steps=run.total_steps,
        settings=run.settings,
        learning_rate=float(trainer.optimizer.param_groups[0]["lr"]),
        dataset=trainer.dataset.title,
        classes=trainer.dataset.classes,
        device=trainer.device.type,
        threads=run.threads or torch.get_num_threads(),
        layers=run.settings.layer_sizes,
        steps_per_epoch=trainer.steps_per_epoch,
        steps_per_second=steps_per_second,
        diagnosis=health.diagnosis,
        post_mortem=health.post_mortem,
        steps=recording.steps.series(),
        recent=recording.recent_means(),
        evaluations=np.array(recording.evaluations, dtype=np.float64).reshape(-1, 3),
        changes=tuple(recording.changes),
        inspection=inspection,
        checkpoints=health.checkpoints.steps(),
        sharpness=run.inspections.sharpness.series(),
        prices=recording.prices.list(),
        speed=run.pace.speed,
        line_shares=run.inspections.line_shares,
        close_up=recording.close_up,
        answers=run.inspections.examples.look(),
        film=run.film.index(),
        comparison=run.follows.comparison() if run.follows is not None else None,
    )


def glance(snapshot: Snapshot, status: Status) -> Glance:
    """The run of a snapshot in a few numbers. Its status may be newer than the snapshot."""
    losses, diagnosis = snapshot.steps.column("loss"), snapshot.diagnosis
    trained = len(snapshot.evaluations) > 0 and snapshot.evaluations[-1, 0] > 0
    evaluation = snapshot.evaluation() if trained else None  # before training, it says nothing about the settings
    apart = -(-len(losses) // GLANCE) or 1
    cell = Cell(
        settings=snapshot.settings,
        kind=diagnosis.kind if diagnosis is not None else "",
        severity=diagnosis.severity if diagnosis is not None else "",
        step=snapshot.step,
        total_steps=snapshot.total_steps,
        loss=snapshot.recent[0] if snapshot.recent else math.nan,
        test_loss=evaluation[0] if evaluation else math.nan,
        test_accuracy=evaluation[1] if evaluation else math.nan,
        curve=losses[::-1][::apart][::-1].copy(),
    )
    return Glance(snapshot.run, snapshot.version, status, cell)


def take_film(run: Run) -> Roll:
    """The whole film of the run, which has a snapshot."""
    now = run.snapshot
    assert isinstance(now, Snapshot)
    moments = tuple(each for each in run.film.moments if each.step < now.step)
    choices = {each.answers.examples for each in moments}
    return Roll(now, moments, {each: run.inspections.examples.images_of(each) for each in choices})


def _twin(run: Run) -> TwinState | None:
    if run.leads is None:
        return None
    pair = run.leads
    return TwinState(
        id=pair.follower.id, changes=tuple(pair.changes.items()), what=pair.what(), begun_at=pair.follower.begun_at
    )
