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
    OVERFITTING = "overfitting"


class Cause(StrEnum):
    """Which setting is to blame."""

    RATE = "rate"  # too high
    LOW_RATE = "low rate"
    INIT = "init"  # weights too large at the start
    SMALL_INIT = "small init"
    ZERO_INIT = "zero init"
    DECAY = "decay"
    DEPTH = "depth"  # too many layers for this activation
    CHANGE = "change"  # of a setting, while it trained
    FEW_IMAGES = "few images"
    NONE = "none"


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
# A run that has learnt little is slow if, at the pace of its latest 200 steps, it takes more than so many further steps
# to learn something. Healthy runs take a few hundred; with small mini-batches, up to three times as many.
SLOW_STEPS, SLOW_BATCH, SLOW_IMAGES = 500, 64, 1_600
# After large initial weights or with strong decay: as long as less of the test set is right, they are in the way.
GOOD_ACCURACY = 0.75
# The median loss is so many times the best mean of 25 steps, and not small: what was learnt is lost again.
LOST, NOT_SMALL = 1.8, 0.3
# The test loss is this many times its lowest, and the training set is answered rightly so much more often than the test
# set: the network learns its training images by heart.
OVERFIT_LOSS, OVERFIT_GAP, BY_HEART = 1.1, 0.1, 0.9
# How many times the first loss, or ln 10, a peak must be: noise alone stays below 1.25; 3 is a step that overshot.
NOISE_SPIKE = 1.25
SMALL_SPIKE = 1.5
SPIKE = 3
# So many spikes in the latest 100 steps are no accident. A mini-batch of a few images can have such a loss by chance.
MANY_SPIKES, FEW_IMAGES = 5, 8
# Shares of a layer's units. With fewer than a third dead, the others make up for them.
SOME_DEAD = 0.33
DIED_SINCE_START = 0.3  # of those that were alive: for an alarm, since training killed them
MOSTLY_DEAD = 0.9  # for an alarm, whatever killed them
NEARLY_ALL, FAIR_ACCURACY = 0.8, 0.65  # the few units that are left can't learn more than this
HALF_OF_THEM = 0.4  # about half, of those that had a slope at the start
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


@dataclass(frozen=True, eq=False)
class Vitals:
    """What a diagnosis is made from.

    Attributes:
        step: updates made. seen: those of them that the watchdog has seen; fewer in a branch.
        loss, accuracy: means over the latest 100 steps, of the mini-batches; NaN before the first step.
        typical_loss: the median over the same steps, which a single bad mini-batch doesn't move.
        loss_before: mean loss over the 100 steps before those; NaN while there are none.
        first_loss: of step 1. peak_loss: the largest finite one. best_loss: the smallest mean of 25 steps.
        spikes: how many of the latest 100 losses are above three times the first one, and above three times ln 10.
        gradient_norms: (layers,) of the weights, root mean square over the latest 25 steps.
        initial_dead, dead: (hidden layers,) shares of units without a slope, 0 to 1, at step 0 and now.
        not_finite_step: the first step whose loss was infinite or NaN.
        test_loss, test_accuracy: of the latest evaluation. best_test_loss: the lowest of all.
        change: the latest change of a setting while it trained: (step, text).
    """

    settings: Settings
    step: int = 0
    seen: int = 0
    loss: float = math.nan
    accuracy: float = math.nan
    typical_loss: float = math.nan
    loss_before: float = math.nan
    first_loss: float = math.nan
    peak_loss: float = math.nan
    best_loss: float = math.nan
    spikes: int = 0
    gradient_norms: tuple[float, ...] = ()
    initial_dead: tuple[float, ...] = ()
    dead: tuple[float, ...] = ()
    not_finite_step: int | None = None
    test_loss: float = math.nan
    test_accuracy: float = math.nan
    best_test_loss: float = math.nan
    change: tuple[int, str] | None = None

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

    @property
    def falls_clearly(self) -> bool:
        """Whether the loss of the latest 100 steps is well below that of the 100 before."""
        return self.loss < CLEARLY_FALLING * self.loss_before

    @property
    def recovers(self) -> bool:
        """Whether the loss falls so fast that it will be below guessing within 300 steps."""
        return self.falls_clearly and self.loss * (self.loss / self.loss_before) ** 3 < LN10

    @property
    def has_lost(self) -> bool:
        """Whether the loss was much lower before."""
        return self.typical_loss > max(LOST * self.best_loss, NOT_SMALL * LN10)

    @property
    def began_at_zero(self) -> bool:
        """Whether all weights of a network with hidden layers began at zero."""
        at_zero = self.settings.init == "zeros" or (self.settings.init == "normal" and self.settings.init_std == 0)
        return at_zero and bool(self.settings.hidden_sizes)

    @property
    def decay_wins(self) -> bool:
        """Whether the run went wrong under a strong decay, without any step that went too far."""
        return self.settings.weight_decay >= STRONG_DECAY and not self.spiked(NOISE_SPIKE)

    @property
    def suspicious(self) -> bool:
        """Whether it should have learnt more by now, so that a closer look is worth its price."""
        return self.seen >= PATIENCE and self.poor

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
    in_the_way = _in_the_way(vitals)
    if in_the_way is not None:
        return Diagnosis(in_the_way, Severity.NOTE, vitals)
    if _slow(vitals):
        if vitals.spiked(SMALL_SPIKE) and vitals.settings.batch_size >= FEW_IMAGES:
            return Diagnosis(Kind.STUCK, Severity.ALARM, vitals)
        return Diagnosis(Kind.SLOW, Severity.NOTE, vitals)
    if _overfits(vitals):
        return Diagnosis(Kind.OVERFITTING, Severity.NOTE, vitals)
    return Diagnosis(Kind.HEALTHY, Severity.HEALTHY, vitals)


def _broken(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.not_finite_step is not None:
        return Kind.OVERFLOW, Severity.ALARM
    if v.typical_loss > EXPLODED_LOSS * LN10:
        return Kind.EXPLODED, Severity.NOTE if v.falls_clearly else Severity.ALARM
    return None


def _without_motion(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.settings.learning_rate == 0:
        return (Kind.STILL, Severity.NOTE) if v.step else None
    return (Kind.ZEROS, Severity.ALARM) if v.step and v.began_at_zero and v.poor else None


def _flat(v: Vitals) -> tuple[Kind, Severity] | None:
    """Units without a slope: dead ReLUs, saturated tanhs and sigmoids."""
    if v.seen < WINDOW or v.worst_dead < SOME_DEAD:
        return None
    if v.settings.activation in ("tanh", "sigmoid"):
        if v.worst_dead < HALF or not (v.poor or (v.died > HALF_OF_THEM and v.accuracy < GOOD_ACCURACY)):
            return None
        return Kind.SATURATED, Severity.ALARM
    if v.guesses and not v.spiked(NOISE_SPIKE) and (v.best_loss > GUESSES or v.settings.weight_decay >= STRONG_DECAY):
        return None  # it never began to learn, or the decay has shrunk it: they died of something else
    if v.poor and (v.died > DIED_SINCE_START or v.worst_dead > MOSTLY_DEAD):
        return Kind.DEAD, Severity.ALARM
    if (v.died > NEARLY_ALL and v.accuracy < FAIR_ACCURACY) or (v.died > MOSTLY_DEAD and v.accuracy < GOOD_ACCURACY):
        return Kind.DEAD, Severity.ALARM
    if v.died > HALF and v.accuracy < FAIR_ACCURACY and v.spiked(SPIKE):
        return Kind.DEAD, Severity.ALARM  # a step that went too far has killed them
    return (Kind.DYING, Severity.NOTE) if v.died > HALF else None


def _astray(v: Vitals) -> tuple[Kind, Severity] | None:
    if v.seen < WINDOW:
        return None
    if v.guesses and v.settings.weight_decay >= STRONG_DECAY:
        return Kind.DECAYED, Severity.ALARM
    if v.seen < PATIENCE:
        return None
    if v.of_guessing > ABOVE_GUESSING and v.typical_loss > NOT_SMALL * LN10 and v.spiked(SPIKE):
        return Kind.OSCILLATION, Severity.NOTE if v.recovers else Severity.ALARM
    if v.spikes >= MANY_SPIKES and v.settings.batch_size >= FEW_IMAGES:
        return Kind.OSCILLATION, Severity.ALARM
    unrecovered = v.seen >= 2 * PATIENCE and v.spiked(SPIKE) and v.accuracy < FAIR_ACCURACY
    if (v.has_lost or unrecovered) and not v.falls_clearly:
        return Kind.OSCILLATION, Severity.ALARM
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
    """Learnt little, and at this pace it will be long before that changes."""
    few = v.seen * v.settings.batch_size < SLOW_IMAGES  # too few to tell a pace from noise
    if few or not v.poor or not math.isfinite(v.loss_before):
        return False
    pace = (v.loss_before - v.loss) / WINDOW  # a step
    steps = SLOW_STEPS * min(3.0, max(1.0, math.sqrt(SLOW_BATCH / v.settings.batch_size)))
    return v.loss - POOR_LOSS * LN10 > pace * steps


def _overfits(v: Vitals) -> bool:
    """The test loss rises while the training set is learnt by heart."""
    rises = v.test_loss > OVERFIT_LOSS * v.best_test_loss
    return rises and v.accuracy > BY_HEART and v.accuracy - v.test_accuracy > OVERFIT_GAP


def _in_the_way(v: Vitals) -> Kind | None:
    """What keeps a run that learns from learning well."""
    if not v.test_accuracy < GOOD_ACCURACY:
        return None
    if v.first_loss > SPIKE * LN10:
        return Kind.LOUD
    return Kind.DECAYED if v.settings.weight_decay >= STRONG_DECAY else None


def stability_factor(settings: Settings) -> float:
    """What the product of rate and curvature may be at most for a step along that direction of a quadratic to converge:
    2 for SGD, 2(1 + μ) with momentum μ, 2(1 + μ)/(1 + 2μ) with Nesterov's; NaN for optimizers that scale each weight's
    step. From the roots of the recurrence; Cohen et al. 2021."""
    if settings.optimizer != "sgd":
        return math.nan
    heavy = 2 * (1 + settings.momentum)
    return heavy / (1 + 2 * settings.momentum) if settings.nesterov else heavy


@dataclass(frozen=True, eq=False)
class WayBack:
    """A step to go back to, and a learning rate that was tried there on a copy.

    Attributes:
        rate: the one to take.
        tried: each rate that was tried, with the loss on some training images after `steps` updates; NaN or infinite
            where it overflowed.
        loss: on the same images, before those updates.
    """

    step: int
    rate: float
    tried: tuple[tuple[float, float], ...]
    loss: float
    steps: int


@dataclass(frozen=True, eq=False)
class PostMortem:
    """What was found by making the fatal updates once more and looking at each in full.

    Attributes:
        diagnosis: what is wrong with the run.
        steps: (n,) the number of each update that was made again.
        rows: (n, columns) float32, in the order of `post_mortem_columns`.
        first_bad: the first tensor that was not finite: what it is, its layer (1 is the input's), the update.
        well_until: the latest step, of those made again, at which the run was still healthy.
        stable_rate: the largest stable rate there, by the curvature; None where it could not be measured.
        way_back: what was tried for a way back; None where going back can't help.
    """

    diagnosis: Diagnosis
    steps: np.ndarray
    rows: np.ndarray
    first_bad: tuple[str, int, int] | None
    well_until: int
    stable_rate: float | None
    way_back: WayBack | None = None

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


_SURE = {
    Kind.STILL: Cause.LOW_RATE,
    Kind.SLOW: Cause.LOW_RATE,
    Kind.ZEROS: Cause.ZERO_INIT,
    Kind.PLATEAU: Cause.SMALL_INIT,
    Kind.VANISHING: Cause.DEPTH,
    Kind.LOUD: Cause.INIT,
    Kind.DECAYED: Cause.DECAY,
    Kind.OVERFITTING: Cause.FEW_IMAGES,
    Kind.HEALTHY: Cause.NONE,
    Kind.YOUNG: Cause.NONE,
}


def cause_of(diagnosis: Diagnosis) -> Cause:
    """Which setting is to blame for what the run has. Where several are, the first of them: decay that multiplies the
    weights, weights that began too large, a change while it trained, and otherwise the learning rate."""
    v = diagnosis.vitals
    if diagnosis.kind in _SURE:
        return _SURE[diagnosis.kind]
    if decay_overshoots(v.settings) or v.decay_wins:
        return Cause.DECAY
    if v.first_loss > SPIKE * LN10:
        return Cause.INIT
    return Cause.RATE if v.change is None else Cause.CHANGE


def decay_overshoots(settings: Settings) -> bool:
    """Whether weight decay alone makes every weight overshoot zero by more than its own size: ηλ above 2, or what takes
    its place with momentum. Adam's and RMSprop's decay is scaled with the gradient, so it can't."""
    if settings.optimizer == "adamw":
        return settings.learning_rate * settings.weight_decay > 2
    return settings.learning_rate * settings.weight_decay > stability_factor(settings)
