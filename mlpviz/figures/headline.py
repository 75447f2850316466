"""The present state of the run, in numbers and in words."""

from __future__ import annotations

import math

from mlpviz.diagnosis import Severity
from mlpviz.figures.chart import number, percent
from mlpviz.figures.diagnosis import words
from mlpviz.history import RECENT_STEPS
from mlpviz.snapshot import Snapshot, Status, TaskSnapshot
from mlpviz.speed import SPEEDS

STATUS = {
    Status.PREPARING: "Preparing",
    Status.PAUSED: "Paused",
    Status.TRAINING: "Training",
    Status.EXAMINING: "Finding the cause",
    Status.FINISHED: "Finished",
    Status.FAILED: "Stopped by an error",
}
KEPT = 1.25  # a run keeps its speed if the measured one, which varies a little, times this is above it
DEVICES = {"cpu": "CPU", "cuda": "GPU (CUDA)", "mps": "GPU (Metal)"}
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "gelu": "GELU", "leaky_relu": "leaky ReLU"}


def headline(snapshot: Snapshot) -> dict[str, object]:
    """The strip above the figures: status, progress from 0 to 1, and labelled values."""
    epoch = snapshot.step / snapshot.steps_per_epoch
    return {
        "status": "Ready at step 0"
        if snapshot.status == Status.PAUSED and not snapshot.step
        else STATUS[snapshot.status],
        "progress": min(1.0, snapshot.step / snapshot.total_steps),
        "values": [
            ("Step", f"{snapshot.step:,}", f"of {snapshot.total_steps:,}"),
            ("Epoch", f"{epoch:.1f}" if epoch % 1 else f"{epoch:.0f}", f"of {snapshot.settings.epochs:,}"),
            ("Train loss", _train_loss(snapshot), _mean_of(snapshot)),
            ("Test accuracy", _test_accuracy(snapshot), _measured_at(snapshot)),
            ("Time left", time_left(snapshot), ""),
        ],
        "setting": setting(snapshot),
        "brief": f"Learning rate {snapshot.learning_rate:g}, batch {snapshot.settings.batch_size:,}",
        "speed": _speed(snapshot),
    }


def stopped_headline(snapshot: TaskSnapshot) -> dict[str, object]:
    """The strip of a task that was stopped by an error before it had anything to show."""
    return {"status": STATUS[snapshot.status], "progress": 0.0, "values": [], "setting": ""}


def task_status(status: Status, at_work: str, finished: str) -> str:
    """What a task other than a run is doing, in words."""
    return {Status.TRAINING: at_work, Status.FINISHED: finished}.get(status, STATUS[status])


def setting(snapshot: Snapshot) -> str:
    """Data, network and device in words."""
    sizes = "-".join(map(str, snapshot.layers))
    activation = ACTIVATIONS.get(snapshot.settings.activation, "no activation")
    device = DEVICES.get(snapshot.device, snapshot.device)
    if snapshot.device == "cpu":
        device += f", {snapshot.threads} thread{'s' if snapshot.threads > 1 else ''}"
    network = f"{sizes} {activation}" if snapshot.hidden_layers else f"{sizes}, no hidden layer"
    return f"{snapshot.dataset} · {network} · {device}"


def time_left(snapshot: Snapshot) -> str:
    """The time until the end of the last epoch, at the present speed; that is the chosen one, if the run keeps it."""
    steps = max(0, snapshot.total_steps - snapshot.step)
    if not steps:
        return "0 s"
    if not snapshot.steps_per_second:
        return "–"
    wanted, made = SPEEDS[snapshot.speed], snapshot.steps_per_second
    seconds = math.ceil(steps / (wanted if wanted < KEPT * made else made))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def notice(snapshot: Snapshot) -> str:
    """What is wrong, in a few sentences; empty while all is well."""
    if snapshot.message:
        return snapshot.message
    return words(snapshot.diagnosis, snapshot.post_mortem)


def notice_kind(snapshot: Snapshot) -> str:
    """How bad it is: "alarm" or "note"."""
    ill = snapshot.diagnosis is not None and snapshot.diagnosis.severity == Severity.ALARM
    return Severity.ALARM if snapshot.message or ill else Severity.NOTE


def _speed(snapshot: Snapshot) -> str:
    """How fast it trains, measured over the last few seconds."""
    speed = snapshot.steps_per_second
    text = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
    return f"{text} step{'' if text == '1' else 's'}/s" if speed else ""


def _train_loss(snapshot: Snapshot) -> str:
    return number(snapshot.recent[0]) if snapshot.recent else "–"


def _mean_of(snapshot: Snapshot) -> str:
    """How many steps the mean training loss is of; in a new run, fewer than 25."""
    steps = min(RECENT_STEPS, snapshot.steps.rows)
    return f"mean of {steps} steps" if steps > 1 else "of one step" if steps else ""


def _test_accuracy(snapshot: Snapshot) -> str:
    evaluation = snapshot.evaluation()
    return percent(evaluation[1]) if evaluation else "–"


def _measured_at(snapshot: Snapshot) -> str:
    if not len(snapshot.evaluations):
        return ""
    epoch = snapshot.evaluations[-1, 0] / snapshot.steps_per_epoch
    if epoch % 1:  # where a branch began
        return f"at step {snapshot.evaluations[-1, 0]:,.0f}"
    return f"after epoch {epoch:.0f}" if epoch else "before training"
