"""One run: a trainer, its commands, and its turns."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from mlpviz.datasets import Dataset
from mlpviz.line_by_line.walk import WalkedStep
from mlpviz.prices import Prices
from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.runs.film import Film
from mlpviz.runs.health import Health
from mlpviz.runs.inspections import Inspections
from mlpviz.runs.memory import run_memory, walk_capacity
from mlpviz.runs.pace import Pace
from mlpviz.runs.publishing import Publisher, run_state
from mlpviz.runs.recording import Recording
from mlpviz.runs.schedule import is_judged
from mlpviz.runs.task import Task
from mlpviz.settings import Settings
from mlpviz.snapshot import Status
from mlpviz.speed import FULL, is_close_up
from mlpviz.state import RunState
from mlpviz.trainer import Checkpoint, Trainer

if TYPE_CHECKING:
    from mlpviz.runs.pair import Pair


class Run(Task):
    """An experiment under way.

    Attributes:
        recording: what is recorded while it trains.
        inspections: the more expensive measurements of its network.
        health: its diagnosis, its checkpoints and its post-mortem.
        film: the moments of it that can be shown again.
        publisher: makes its snapshots.
        pace: says when its next step is due.
        goal: it trains until this step. The commands only move the goal.
        begun_at: the step at which it began: 0, except for a branch.
        leads: the pair in which another run follows this one.
        follows: the pair in which this run follows another. The turns of the other run move both.
        walks: the updates taken apart, by reader.
        interrupted_at: the step at which it was saved while it trained, if it has come back from there.
    """

    state: RunState
    kind = "run"
    remedy = "Press Reset to begin again. If the error returns, try a smaller network or other settings."

    def __init__(
        self,
        settings: Settings,
        dataset: Dataset,
        owner: str = "",
        begin_at: Checkpoint | None = None,
        clock: Clock = CLOCK,
        speed: str = FULL,
    ) -> None:
        super().__init__(owner, run_memory(settings), clock)
        self.trainer, prices = Trainer(settings, dataset), Prices()
        self.inspections = Inspections(self.trainer, prices)  # before `restore`: it keeps the initial weights
        if begin_at is not None:
            self.trainer.restore(begin_at)
        self.recording = Recording(self.trainer, prices)
        self.health = Health(self.trainer, self.recording, self.inspections)
        self.goal = self.begun_at = self.trainer.step
        self.leads: Pair | None = None
        self.follows: Pair | None = None
        self.walks: dict[str, WalkedStep] = {}
        self.interrupted_at: int | None = None
        self.pace = Pace(speed, clock)
        self.film, self.publisher = Film(), Publisher(self)

    # the commands; each acts between two steps

    def start(self) -> None:
        """Train to the end of the last epoch."""
        self.health.stop_examining()
        self.train_to(max(self.step, self.total_steps))

    def pause(self) -> None:
        """Stop training for now."""
        self.train_to(self.step)

    def one_step(self) -> None:
        """Make one update, at once."""
        self.train_to(self.step + 1, at_once=True)

    def one_epoch(self) -> None:
        """Train to the end of this epoch."""
        per_epoch = self.trainer.steps_per_epoch
        self.train_to((self.step // per_epoch + 1) * per_epoch)

    def change(self, settings: Settings) -> None:
        """Use other live settings from the next step on.

        Raises:
            ValueError: another setting differs; that needs a new run.
        """
        before, to_the_end = self.settings, self.goal > 0 and self.goal == self.total_steps
        self.trainer.change(settings)
        self._count_memory()  # momentum needs some
        self.film.wanted |= self.recording.note_change(before, settings)
        if to_the_end and self.status == Status.TRAINING:
            self.start()
        if self.leads is not None:
            self.leads.take_over(before, settings)

    def end_twin(self) -> None:
        """Continue without the run that follows this one."""
        if self.leads is not None:
            self.leads.follower.over = True
            self.leads = None

    def keep_walk(self, reader: str, walked: WalkedStep | None) -> None:
        """Keep the update that a reader takes apart; None means that the reader has left it. If there are too many, the
        oldest ones are dropped."""
        self.walks.pop(reader, None)
        if walked is not None:
            self.walks[reader] = walked
        while len(self.walks) > walk_capacity(self.settings):
            del self.walks[next(iter(self.walks))]
        self._count_memory()

    def fail(self, error: BaseException) -> None:
        """As in `Task`. The run stops where it is, and so does its twin."""
        self.recording.stop_evaluating()
        self.health.stop_examining()
        self.pause()
        super().fail(error)
        self.state = replace(self.state, goal=self.goal)

    # its present state

    @property
    def settings(self) -> Settings:
        """The settings that it trains with."""
        return self.trainer.settings

    @property
    def step(self) -> int:
        """The number of updates so far."""
        return self.trainer.step

    @property
    def total_steps(self) -> int:
        """The number of updates in all epochs."""
        return self.settings.epochs * self.trainer.steps_per_epoch

    @property
    def status(self) -> Status:
        """What it is doing."""
        if self.failed:
            return Status.FAILED
        last_test = 0 < self.total_steps <= self.step and self.recording.evaluating()  # it counts as training
        if self.step < self.goal or last_test:
            return Status.TRAINING
        if self.health.examining():
            return Status.EXAMINING
        if not self.recording.evaluations:
            return Status.PREPARING
        return Status.FINISHED if self.step >= self.total_steps else Status.PAUSED

    def make_state(self) -> RunState:
        return run_state(self)

    def companions(self) -> list[Task]:
        """The run that follows this one is removed together with it."""
        return [self.leads.follower] if self.leads is not None else []

    def unwatched_seconds(self) -> float:
        """A run that follows another stays as long as its leader."""
        own = super().unwatched_seconds()
        return own if self.follows is None else min(own, self.follows.leader.unwatched_seconds())

    # turns

    def has_work(self) -> bool:
        """Whether there is anything to do now. A run that follows another has no turns: the leader's turns move it."""
        if self.failed or self.follows is not None:
            return False
        waiting = self.leads is not None and self.leads.behind()
        return waiting or self.busy_beside_training() or (self.step < self.goal and not self.pace.wait())

    def wait(self) -> float:
        """The seconds until its next step is due."""
        trains = self.step < self.goal and not self.failed and self.follows is None
        return self.pace.wait() if trains else super().wait()

    def busy_beside_training(self) -> bool:
        """Whether the next step must wait for something else that is under way."""
        return self.inspections.measuring() or self.recording.evaluating() or self.health.examining()

    def work(self, seconds: float) -> None:
        """As in `Task`. Collects the records before they take much memory."""
        super().work(seconds)
        if self.recording.full():
            self.collect()

    def advance(self) -> None:
        """Do the next piece: of the follower first, then of what is under way, then a step."""
        if self.leads is not None and self.leads.behind():
            self.leads.catch_up()
        else:
            self.advance_alone()

    def advance_alone(self) -> None:
        """Do the next piece of this run, without its follower."""
        if self.recording.evaluating():
            self.recording.evaluate_on()
        elif self.inspections.measuring():
            self.inspections.measure_on()
        elif self.health.examining():
            self.health.examine_on()
        else:
            self._train_one()

    def _train_one(self) -> None:
        """Make the next step, with a look after it if one is due. After a look, or if the loss is not finite, the run
        is judged; an alarm stops it."""
        if not self.inspections.begun:
            self.inspections.begin()
        self.film.begin(self)
        look, last = self.inspections.due() or self.film.wanted, self.step + 1 == self.goal
        step = functools.partial(self.recording.train_one, last or is_close_up(self.pace.speed))
        if look or last:
            self.inspections.around(step)
        else:
            step()
        self.pace.stepped()
        self.health.keep_checkpoint()
        if look or is_judged(self.step) or self.recording.breaks():
            self.collect()
            ill = self.health.judge()
            self.film.take(self, look, ill)
            if ill:
                self.pause()

    def collect(self) -> None:
        """Collect the records since the last time."""
        self.health.see(self.recording.collect())

    def refresh(self, watched: int) -> None:
        self.publisher.refresh(watched)

    def train_to(self, step: int, at_once: bool = False) -> None:
        """Train up to this step; with `at_once`, whatever the speed."""
        if at_once or self.step >= self.goal:
            self.pace.begin()
        self.goal = step
        if self.leads is not None:
            self.leads.follower.goal = step

    def _count_memory(self) -> None:
        self.memory = run_memory(self.settings, walks=len(self.walks))
