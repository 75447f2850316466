"""How fast the run trains: the control in the strip of the board, and the speed that the page takes by itself."""

from __future__ import annotations

from mlpviz.backend.commands import SetSpeed
from mlpviz.page import door, memory
from mlpviz.page.controls import current_lesson
from mlpviz.snapshot import Status
from mlpviz.speed import SPEEDS, best_speed, parse_speed
from mlpviz.state import RunState

SHORT = {"slow": "slow"}  # on a button, where the name itself would not do
LONG = {
    "slow": "Slow motion: about one second for each line of code",
    "full": "Full speed: as fast as this computer can",
}


def fit_speed(run: RunState) -> RunState:
    """Give a run that rests the speed that was chosen, or that of the lesson. Without either, the speed at which it
    lasts about 25 seconds."""
    wanted = _wanted(run)
    if run.speed == wanted or run.step < run.goal or run.status == Status.FAILED:
        return run
    return door.tell(run, SetSpeed(wanted))


def remember_speed(run: RunState) -> None:
    """The visitor comes back to a run: keep its speed."""
    if run.speed != _wanted(run):
        memory.SPEED.set(run.speed)


def choose_speed(run: RunState, speed: str) -> None:
    """A callback: train at this speed, in this run and in the next ones."""
    memory.SPEED.set(parse_speed(speed))
    door.tell(door.now(run), SetSpeed(speed))


def choices(run: RunState) -> dict[str, object]:
    """What the board needs for its control: the speed now; the name, label and description of each."""
    return {"now": run.speed, "choices": [(name, SHORT.get(name, name), _description(name)) for name in SPEEDS]}


def _wanted(run: RunState) -> str:
    lesson = current_lesson()
    return memory.SPEED.get() or (lesson.speed if lesson else "") or best_speed(run.total_steps)


def _description(name: str) -> str:
    rate = SPEEDS[name]
    if name in LONG:
        return LONG[name]
    return f"{rate:.0f} step{'s' if rate > 1 else ''} per second"
