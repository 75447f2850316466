"""How is this run doing? What is known of it in numbers, and what ails it, if anything does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from mlpviz.settings import Settings

LN10 = math.log(10)  # the loss of guessing among ten classes
WINDOW = 100  # steps that “now” is the mean of
PATIENCE = 2 * WINDOW  # steps before anything but a broken number is an alarm: some runs recover

#: What a run can have, by severity. An alarm will not get better by itself.
HEALTHY, NOTE, ALARM = "healthy", "note", "alarm"
KINDS = (
    "healthy",
    "young",
    "slow",
    "still",
    "overflow",
    "exploded",
    "oscillation",
    "dead",
    "dying",
    "saturated",
    "decayed",
    "zeros",
    "plateau",
    "vanishing",
    "loud",
    "stuck",
)


@dataclass(frozen=True, eq=False)
class Vitals:
    """What a diagnosis is made from.

    Attributes:
        step: updates made. seen: those of them that the watchdog has seen; fewer in a branch.
        loss, accuracy: means over the latest 100 steps, of the mini-batches; NaN before the first step.
        loss_before: mean loss over the 100 steps before those; NaN while there are none.
        first_loss: of step 1. peak_loss: the largest finite one. best_loss: the smallest mean of 25 steps.
        gradient_norms: (layers,) of the weights, root mean square over the latest 25 steps.
        initial_dead, dead: (hidden layers,) shares of units without a slope, 0 to 1, at step 0 and now.
        not_finite_step: the first step whose loss was infinite or NaN.
        stable_rate: 2 / sharpness, where that was measured.
    """

    settings: Settings
    step: int = 0
    seen: int = 0
    loss: float = math.nan
    accuracy: float = math.nan
    loss_before: float = math.nan
    first_loss: float = math.nan
    peak_loss: float = math.nan
    best_loss: float = math.nan
    gradient_norms: tuple[float, ...] = ()
    initial_dead: tuple[float, ...] = ()
    dead: tuple[float, ...] = ()
    not_finite_step: int | None = None
    stable_rate: float | None = None

    @property
    def of_guessing(self) -> float:
        """The loss, in units of ln 10."""
        return self.loss / LN10

    @property
    def worst_dead(self) -> float:
        """The largest share of dead units in any layer."""
        return max((share for share in self.dead if math.isfinite(share)), default=0.0)

    @property
    def died(self) -> float:
        """The largest share of any layer's units that have died since step 0."""
        pairs = zip(self.dead, self.initial_dead, strict=True)
        return max((now - then for now, then in pairs if math.isfinite(now - then)), default=0.0)

    @property
    def guesses(self) -> bool:
        """Whether it does no better than guessing."""
        return self.of_guessing > 0.965 and self.accuracy < 0.2

    @property
    def poor(self) -> bool:
        """Whether it has learnt little, or has lost it again."""
        return self.of_guessing > 0.6 and self.accuracy < 0.45

    def spiked(self, factor: float) -> bool:
        """Whether the loss was ever that many times what it began with, or what guessing costs."""
        return self.peak_loss > factor * max(LN10, self.first_loss)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What ails a run: one of `KINDS`, and how bad it is: `HEALTHY`, `NOTE` or `ALARM`."""

    kind: str
    severity: str
    vitals: Vitals = field(repr=False)


def diagnose(vitals: Vitals) -> Diagnosis:
    """Name what ails the run; the first that fits, from the surest sign to the vaguest."""
    for ailment in (_broken, _without_motion, _flat, _astray, _never_began):
        found = ailment(vitals)
        if found is not None:
            kind, severity = found
            early = vitals.seen < PATIENCE and kind not in ("overflow", "zeros")
            return Diagnosis(kind, NOTE if early else severity, vitals)
    if vitals.seen < PATIENCE:
        return Diagnosis("young" if vitals.seen < WINDOW else "healthy", HEALTHY, vitals)
    return Diagnosis("slow", NOTE, vitals) if _slow(vitals) else Diagnosis("healthy", HEALTHY, vitals)


def _broken(v: Vitals) -> tuple[str, str] | None:
    if v.not_finite_step is not None:
        return "overflow", ALARM
    if v.of_guessing > 1e3:
        return "exploded", ALARM
    return None


def _without_motion(v: Vitals) -> tuple[str, str] | None:
    if v.settings.learning_rate == 0:
        return ("still", NOTE) if v.step else None
    if v.step and v.settings.hidden_sizes and not any(v.gradient_norms) and v.peak_loss < 1.25 * LN10:
        at_zero = v.settings.init == "zeros" or (v.settings.init == "normal" and v.settings.init_std == 0)
        return ("zeros", ALARM) if at_zero else None
    return None


def _flat(v: Vitals) -> tuple[str, str] | None:
    """Units without a slope: dead ReLUs, saturated tanhs and sigmoids."""
    if v.seen < WINDOW or v.worst_dead < 0.33:
        return None
    if v.settings.activation in ("tanh", "sigmoid"):
        if v.worst_dead < 0.5 or not v.poor:
            return None
        return "saturated", ALARM if v.accuracy < 0.2 else NOTE
    if v.guesses and not v.spiked(1.25) and v.best_loss > 0.95 * LN10:
        return None  # it never began to learn: they died of something else
    if v.poor and (v.died > 0.3 or v.worst_dead > 0.9):
        return "dead", ALARM
    return ("dying", NOTE) if v.died > 0.5 else None


def _astray(v: Vitals) -> tuple[str, str] | None:
    if v.seen < WINDOW:
        return None
    if v.guesses and v.settings.weight_decay >= 0.03:
        return "decayed", ALARM
    if v.seen < PATIENCE:
        return None
    if v.of_guessing > 1.02 and v.spiked(3):
        falling = v.loss < 0.9 * v.loss_before
        return "oscillation", ALARM if v.accuracy < 0.45 and not falling else NOTE
    on_its_way_down = v.loss < 0.995 * v.loss_before
    if v.guesses and not on_its_way_down and (v.spiked(3) or v.best_loss < 0.95 * LN10):
        return "stuck", ALARM
    return None


def _never_began(v: Vitals) -> tuple[str, str] | None:
    if v.seen < PATIENCE or not v.gradient_norms:
        return None
    if v.of_guessing > 1.02:
        return ("loud", NOTE) if v.first_loss > 3 * LN10 else None
    norms = np.array(v.gradient_norms)
    if v.guesses and len(norms) > 2 and norms[-1] > 0.05 and norms[0] < 0.05 * norms[-1]:
        return "vanishing", NOTE
    if v.of_guessing > 0.98 and len(norms) > 1 and float(np.linalg.norm(norms)) < 0.1:
        return "plateau", NOTE
    return None


def _slow(v: Vitals) -> bool:
    if 0.98 < v.of_guessing <= 1.02 and v.accuracy < 0.35:
        return True
    rate = v.settings.learning_rate / (1 - v.settings.momentum)
    measured = v.stable_rate is not None and v.settings.optimizer == "sgd"
    return measured and v.of_guessing > 0.8 and rate < (v.stable_rate or 0.0) / 10


def stability_factor(settings: Settings) -> float:
    """What the product of rate and curvature may be at most for a step along that direction of a quadratic to converge:
    2 for SGD, 2(1 + μ) with momentum μ, 2(1 + μ)/(1 + 2μ) with Nesterov's; NaN for optimizers that scale each weight's
    step. From the roots of the recurrence; Cohen et al. 2021."""
    if settings.optimizer != "sgd":
        return math.nan
    heavy = 2 * (1 + settings.momentum)
    return heavy / (1 + 2 * settings.momentum) if settings.nesterov else heavy


@dataclass(frozen=True, eq=False)
class PostMortem:
    """What was found by making the fatal updates once more and looking at each in full.

    Attributes:
        diagnosis: what ails the run.
        steps: (n,) the number of each update that was made again.
        rows: (n, columns) float32, in the order of `post_mortem_columns`.
        first_bad: the first tensor that was not finite: what it is, its layer (1 is the input's), the update.
        back_to: the latest step, of those made again, before which all was well.
        stable_rate: 2 / sharpness there; None where it could not be measured.
    """

    diagnosis: Diagnosis
    steps: np.ndarray
    rows: np.ndarray
    first_bad: tuple[str, int, int] | None
    back_to: int
    stable_rate: float | None

    def column(self, name: str) -> np.ndarray:
        """One column of `rows`, (n,)."""
        values: np.ndarray = self.rows[:, post_mortem_columns(len(self.diagnosis.vitals.gradient_norms)).index(name)]
        return values


def post_mortem_columns(layers: int) -> list[str]:
    """Names of a post-mortem's columns: the mini-batch's loss before its update and after it; for each layer the norm
    of its weights' gradient, ‖ΔW‖ / ‖W‖, the largest weight, the largest output; for each hidden layer the share of
    units without a slope on the mini-batch."""
    kinds = ("gradient", "update", "weight", "output")
    return [
        "loss",
        "loss after",
        *[f"{kind} {layer}" for kind in kinds for layer in range(1, layers + 1)],
        *[f"dead {layer}" for layer in range(1, layers)],
    ]
