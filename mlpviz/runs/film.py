"""The film of a run under way: which moments are kept, and in which order they make room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlpviz.diagnosis import Kind
from mlpviz.film import MOST, Moment, moment_of
from mlpviz.keeping import Keeps
from mlpviz.runs.schedule import is_moment
from mlpviz.snapshot import FilmIndex

if TYPE_CHECKING:
    from mlpviz.runs.run import Run

MOST_ALARMS = 40  # marked on the timeline


class Film(Keeps):
    """Keeps moments of one run: after some of its looks, after the first step with another setting, and where an alarm
    stops the run. This depends only on the run. If there are too many, every second one is dropped, and from then on
    fewer are kept; those of alarms stay.

    Attributes:
        moments: in the order of their steps.
        alarms: the steps at which an alarm stopped the run, and what it was.
        wanted: whether the next step is looked at and kept, because a setting has changed.
    """

    KEPT = ("moments", "alarms", "wanted", "_stride", "_seen", "_latest")

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.alarms: list[tuple[int, Kind]] = []
        self.wanted = False
        self._stride = 1  # of so many moments that were due, one is kept
        self._seen = 0  # moments that were due
        self._latest = -1  # the step of the latest one that was due

    def begin(self, run: Run) -> None:
        """Keep the moment at which the run begins, before its first step."""
        if run.step == run.begun_at:
            self._look(run)

    def take(self, run: Run, look: bool, alarm: bool) -> None:
        """Keep the moment after a step. There was a `look` at the network, or an `alarm` stops the run, or neither."""
        if self.wanted:
            self._keep(run)
            self.wanted = False
        elif look:
            self._look(run)
        if alarm:
            self._note_alarm(run)

    def at(self, step: int) -> Moment | None:
        """The moment of this step."""
        return next((moment for moment in self.moments if moment.step == step), None)

    def index(self) -> FilmIndex:
        """Which moments there are."""
        moments = self.moments
        return FilmIndex(tuple(each.step for each in moments), tuple(self.alarms), sum(each.bytes for each in moments))

    def inherit(self, other: Film, step: int) -> None:
        """Take over what a branch that begins at `step` has in common with the run before it."""
        self.moments = [each for each in other.moments if each.step < step]
        self.alarms = [each for each in other.alarms if each[0] < step]
        self._stride, self._seen = other._stride, len(self.moments) * other._stride

    def _look(self, run: Run) -> None:
        if self._latest >= 0 and (run.step == self._latest or not is_moment(run.step, self._latest, run.settings)):
            return
        self._latest = run.step
        if self._seen % self._stride == 0:
            self._keep(run)
        self._seen += 1

    def _note_alarm(self, run: Run) -> None:
        assert run.health.diagnosis is not None
        self.alarms = [*self.alarms, (run.step, run.health.diagnosis.kind)][-MOST_ALARMS:]
        if not self.moments or self.moments[-1].step != run.step:
            self._keep(run)

    def _keep(self, run: Run) -> None:
        with run.recording.prices.of("film"):
            moment = moment_of(
                run.inspections.inspect(),
                run.inspections.examples.look(),
                run.settings,
                float(run.trainer.optimizer.param_groups[0]["lr"]),
                run.recording.recent_means(),
                run.health.diagnosis,
                run.recording.steps.series(),
                run.inspections.sharpness.series(),
            )
        self.moments = [*self.moments, moment]  # a new list: the server may be reading the old one
        self._make_room()

    def _make_room(self) -> None:
        if len(self.moments) > MOST:
            alarms = {step for step, _ in self.alarms}
            others = [each for each in self.moments if each.step not in alarms]
            kept = {each.step for each in others[::2]} | alarms
            self.moments = [each for each in self.moments if each.step in kept]
            self._stride *= 2
