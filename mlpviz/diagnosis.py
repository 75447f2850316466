"""How is this run doing? What is known of it in numbers, and what is wrong with it, if anything is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from mlpviz.settings import Settings

LN10 = math.log(10)  # the loss of guessing among ten classes
WINDOW = 100  # steps that “now” is the mean of: single mini-batches are too noisy to judge by
PATIENCE = 2 * WINDOW  # steps before anything but a broken number is an alarm: some runs recover


class Severity(StrEnum):
    """How bad it is. An alarm will not get better by itself."""

    HEALTHY = "healthy"
    NOTE = "note"
    ALARM = "alarm"


class Kind(StrEnum):
    """What a run can have."""

    HEALTHY = "healthy"
    YOUNG = "young"  # too few steps to say anything
    SLOW = "slow"
    STILL = "still"  # the learning rate is 0
    OVERFLOW = "overflow"  # a loss that is infinite or NaN
    EXPLODED = "exploded"  # a loss far beyond anything useful
    OSCILLATION = "oscillation"
    DEAD = "dead"
    DYING = "dying"
    SATURATED = "saturated"
    DECAYED = "decayed"  # weight decay has shrunk the weights to nothing
    ZEROS = "zeros"  # all weights began at zero
    PLATEAU = "plateau"
    VANISHING = "vanishing"
    LOUD = "loud"  # the initial weights are too large
    STUCK = "stuck"


# Thresholds. Losses are in units of ln 10, what guessing costs. Each was set on the runs of `tests/stability/cases.py`,
# ill and healthy, with some distance to both.

# A network that guesses has a loss of 1 and an accuracy of 0.1; mini-batches scatter around both.
GUESSING_LOSS = 0.965
GUESSING_ACCURACY = 0.2
# It has learnt little, or has lost it again. A network that is merely slow has one of the two, not both.
POOR_LOSS = 0.6
POOR_ACCURACY = 0.45
# Above the loss of guessing by more than the scatter of a mean of 100 steps; below it by as much.
ABOVE_GUESSING = 1.02
NEAR_GUESSING = 0.98
LIKE_GUESSING = 0.05  # as far from the loss of guessing as this: nothing was learnt, and nothing worse either
# The best mean of 25 steps below this shows that it had once begun to learn: scatter alone doesn't go so low.
ONCE_LEARNT = 0.95
GUESSES = ONCE_LEARNT * LN10  # likewise, as a loss
OVERFLOWED = 1e30  # stands for a loss that is not finite, where a mean is taken: a mean must not become NaN
# A loss a thousand times what guessing costs comes of steps that overshoot, not of bad luck.
EXPLODED_LOSS = 1e3
# How many times the first loss, or ln 10, a peak must be: noise alone stays below 1.25; 3 is a step that overshot.
NOISE_SPIKE = 1.25
SPIKE = 3
# Shares of a layer's units. With fewer than a third dead, the others make up for them.
SOME_DEAD = 0.33
DIED_SINCE_START = 0.3  # of those that were alive: for an alarm, since training killed them
MOSTLY_DEAD = 0.9  # for an alarm, whatever killed them
HALF = 0.5  # for a note, and for units that saturate
# Usual weight decay is 0.0001 to 0.01; from 0.03 on it can win against the gradient.
STRONG_DECAY = 0.03
# The loss falls if it is less than so many times that of the 100 steps before: clearly, and at all.
CLEARLY_FALLING = 0.9
FALLING = 0.995
# The gradient vanishes where the last layer's norm is larger than this and the first layer's twenty times as small.
LIVELY_GRADIENT = 0.05
VANISHED_SHARE = 0.05
# On a plateau all layers’ gradients together are smaller than this: tiny signals make tiny gradients.
PLATEAU_GRADIENT = 0.1
# Still at guessing and right more often than this: learning, if slowly, and not stuck.
SLOW_ACCURACY = 0.35
SLOW_LOSS = 0.8
OVER_THE_EDGE = 1.2  # times the stable rate, which is itself an estimate: a rate above is to blame
SLOW_RATE = 10  # times smaller than the rate that the curvature allows


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
        return self.of_guessing > GUESSING_LOSS and self.accuracy < GUESSING_ACCURACY

    @property
    def poor(self) -> bool:
        """Whether it has learnt little, or has lost it again."""
        return self.of_guessing > POOR_LOSS and self.accuracy < POOR_ACCURACY

    def spiked(self, factor: float) -> bool:
        """Whether the loss was ever that many times what it began with, or what guessing costs."""
        return self.peak_loss > factor * max(LN10, self.first_loss)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is wrong with a run, and how bad it is."""

    kind: Kind
    severity: Severity
    vitals: Vitals = field(repr=False)


def diagnose(vitals: Vitals) -> Diagnosis:
    """Name what is wrong with the run; the first that fits, from the surest sign to the vaguest."""
    for ailment in (_broken, _without_motion, _flat, _astray, _never_began):
        named = ailment(vitals)
        if named is not None:
            kind, severity = named
            early = vitals.seen < PATIENCE and kind not in (Kind.OVERFLOW, Kind.ZEROS)  # which patience doesn't help
            return Diagnosis(kind, Severity.NOTE if early else severity, vitals)
    if vitals.seen < PATIENCE:
        return Diagnosis(Kind.YOUNG if vitals.seen < WINDOW else Kind.HEALTHY, Severity.HEALTHY, vitals)
    if _slow(vitals):
        return Diagnosis(Kind.SLOW, Severity.NOTE, vitals)
    return Diagnosis(Kind.HEALTHY, Severity.HEALTHY, vitals)


def _broken(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.not_finite_step is not None:
        return Kind.OVERFLOW, Severity.ALARM
    if v.of_guessing > EXPLODED_LOSS:
        return Kind.EXPLODED, Severity.ALARM
    return None


def _without_motion(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.settings.learning_rate == 0:
        return (Kind.STILL, Severity.NOTE) if v.step else None
    if v.step and v.settings.hidden_sizes and not any(v.gradient_norms) and v.peak_loss < NOISE_SPIKE * LN10:
        at_zero = v.settings.init == "zeros" or (v.settings.init == "normal" and v.settings.init_std == 0)
        return (Kind.ZEROS, Severity.ALARM) if at_zero else None
    return None


def _flat(v: Vitals) -> tuple[Kind, Severity] | None:
    """Units without a slope: dead ReLUs, saturated tanhs and sigmoids."""
    if v.seen < WINDOW or v.worst_dead < SOME_DEAD:
        return None
    if v.settings.activation in ("tanh", "sigmoid"):
        if v.worst_dead < HALF or not v.poor:
            return None
        return Kind.SATURATED, Severity.ALARM if v.accuracy < GUESSING_ACCURACY else Severity.NOTE
    if v.guesses and not v.spiked(NOISE_SPIKE) and v.best_loss > GUESSES:
        return None  # it never began to learn: they died of something else
    if v.poor and (v.died > DIED_SINCE_START or v.worst_dead > MOSTLY_DEAD):
        return Kind.DEAD, Severity.ALARM
    return (Kind.DYING, Severity.NOTE) if v.died > HALF else None


def _astray(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.seen < WINDOW:
        return None
    if v.guesses and v.settings.weight_decay >= STRONG_DECAY:
        return Kind.DECAYED, Severity.ALARM
    if v.seen < PATIENCE:
        return None
    if v.of_guessing > ABOVE_GUESSING and v.spiked(SPIKE):
        falling = v.loss < CLEARLY_FALLING * v.loss_before
        hopeless = v.accuracy < POOR_ACCURACY and not falling
        return Kind.OSCILLATION, Severity.ALARM if hopeless else Severity.NOTE
    on_its_way_down = v.loss < FALLING * v.loss_before
    if v.guesses and not on_its_way_down and (v.spiked(SPIKE) or v.best_loss < GUESSES):
        return Kind.STUCK, Severity.ALARM
    return None


def _never_began(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.seen < PATIENCE or not v.gradient_norms:
        return None
    if v.of_guessing > ABOVE_GUESSING:
        return (Kind.LOUD, Severity.NOTE) if v.first_loss > SPIKE * LN10 else None
    norms = np.array(v.gradient_norms)
    vanished = norms[-1] > LIVELY_GRADIENT and norms[0] < VANISHED_SHARE * norms[-1]
    if v.guesses and len(norms) > 2 and vanished:
        return Kind.VANISHING, Severity.NOTE
    if v.of_guessing > NEAR_GUESSING and len(norms) > 1 and float(np.linalg.norm(norms)) < PLATEAU_GRADIENT:
        return Kind.PLATEAU, Severity.NOTE
    return None


def _slow(v: Vitals) -> bool:
    if NEAR_GUESSING < v.of_guessing <= ABOVE_GUESSING and v.accuracy < SLOW_ACCURACY:
        return True
    rate = v.settings.learning_rate / (1 - v.settings.momentum)
    measured = v.stable_rate is not None and v.settings.optimizer == "sgd"
    return measured and v.of_guessing > SLOW_LOSS and rate < (v.stable_rate or 0.0) / SLOW_RATE


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
        diagnosis: what is wrong with the run.
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
        values: np.ndarray = self.rows[:, post_mortem_columns(self.layers).index(name)]
        return values

    @property
    def layers(self) -> int:
        """How many linear layers the network has."""
        return len(self.diagnosis.vitals.gradient_norms)


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
