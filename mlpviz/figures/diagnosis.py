"""What is wrong with a run, in words: what happened, what is to blame, what to do."""

from __future__ import annotations

import math

from mlpviz.diagnosis import (
    GUESSES,
    LIKE_GUESSING,
    LN10,
    OVERFLOWED,
    POOR_ACCURACY,
    WINDOW,
    Cause,
    Diagnosis,
    Kind,
    PostMortem,
    Severity,
    Vitals,
    cause_of,
    decay_overshoots,
)
from mlpviz.figures.chart import number, percent
from mlpviz.figures.gradient_norms import subscript

TITLES = {
    Kind.HEALTHY: "Healthy",
    Kind.YOUNG: "Too early to say",
    Kind.SLOW: "Slow",
    Kind.STILL: "Not learning",
    Kind.OVERFLOW: "Overflow",
    Kind.EXPLODED: "The loss explodes",
    Kind.OSCILLATION: "The loss oscillates",
    Kind.DEAD: "Dead units",
    Kind.DYING: "Dying units",
    Kind.SATURATED: "Saturated units",
    Kind.DECAYED: "Too much weight decay",
    Kind.ZEROS: "All weights start at zero",
    Kind.PLATEAU: "On a plateau",
    Kind.VANISHING: "Vanishing gradient",
    Kind.LOUD: "Initial weights too large",
    Kind.STUCK: "Stuck",
    Kind.OVERFITTING: "Overfitting",
}
UNITS = {"relu": "ReLU units", "tanh": "tanh units", "sigmoid": "sigmoid units"}
ADAPTIVE = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
EDGE = 1.2  # times the stable rate, which is itself an estimate: a rate above was too high


def words(diagnosis: Diagnosis | None, post_mortem: PostMortem | None = None) -> str:
    """One paragraph on what is wrong; nothing while all is well."""
    if diagnosis is None or diagnosis.severity == Severity.HEALTHY:
        return ""
    if post_mortem is not None and post_mortem.diagnosis.kind != diagnosis.kind:
        post_mortem = None
    vitals = diagnosis.vitals
    sentences = [*_HAPPENED[diagnosis.kind](vitals, post_mortem)]
    if diagnosis.kind in _OF_A_CAUSE:
        sentences += [_leap(post_mortem), *_blame(cause_of(diagnosis), vitals, post_mortem)]
    return f"{TITLES[diagnosis.kind]}. " + " ".join(sentence for sentence in sentences if sentence)


def how_it_is_doing(diagnosis: Diagnosis | None) -> str:
    """The same for a run that is well."""
    if diagnosis is None or diagnosis.kind == Kind.YOUNG:
        return "Too early to say: the first diagnosis takes a hundred steps."
    if diagnosis.severity == Severity.HEALTHY:
        return (
            f"Healthy. Over the latest {min(WINDOW, diagnosis.vitals.seen)} steps the loss is "
            f"{number(diagnosis.vitals.loss)} (guessing gives 2.30), and {_right(diagnosis.vitals)}."
        )
    return words(diagnosis)


def _right(v: Vitals) -> str:
    return f"{percent(v.accuracy, 0)} of the training images are classified correctly"


def _overflow(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    if post_mortem is None or post_mortem.first_bad is None:
        return [f"The loss became infinite or not a number (NaN) at step {v.not_finite_step:,}."]
    what, layer, step = post_mortem.first_bad
    last = len(v.gradient_norms)
    names = {
        "activations": f"the outputs of layer {layer} were",
        "logits": "the logits were",
        "loss": "the loss was",
        "gradient": f"the gradient of W{subscript(layer)} was",
        "weights": f"the weights W{subscript(layer)} were",
    }
    row = step - int(post_mortem.steps[0])
    sizes = post_mortem.column(f"output {last}")[: row + 1]
    grown = sizes[sizes > 1e6]
    return [
        f"At update {step:,}, {names[what]} the first to become infinite or NaN: float32 ends at 3.4·10³⁸.",
        f"Before that, the logits had grown to {number(float(grown.max()))}."
        if len(grown) and math.isfinite(grown.max())
        else "",
    ]


def _exploded(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    now = f"Over the latest {min(WINDOW, v.seen)} steps the loss is {number(v.typical_loss)} (guessing gives 2.30)."
    if v.falls_clearly:
        return [now, "It is falling, but it is still far too high."]
    return [now]


def _oscillation(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    right = _right(v)
    if v.loss <= LN10 and v.has_lost:
        return [f"The loss had been {number(v.best_loss)}. Now it is {number(v.loss)} and does not settle."]
    if v.loss <= LN10:
        return [f"The loss jumped up to {number(v.peak_loss)}. Now it is {number(v.loss)}, and only {right}."]
    if v.accuracy > POOR_ACCURACY:
        return [
            f"{right[0].upper()}{right[1:]}, but the loss is {number(v.loss)}, higher than the 2.30 of guessing: the "
            "wrong answers are given with far too much confidence."
        ]
    falls = "and falls" if v.falls_clearly else "and does not settle"
    return [f"The loss jumps up and down around {number(v.loss)}, above the 2.30 of guessing, {falls}."]


def _dead(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    dead = (
        f"{percent(v.worst_dead, 0)} of a hidden layer’s units pass {_gradient(v)} for any of 512 images, so training "
        "cannot bring them back."
    )
    if v.guesses and abs(v.of_guessing - 1) < LIKE_GUESSING:
        return [
            dead,
            f"The loss of {number(v.loss)} looks harmless, but guessing gives 2.30: the network only guesses.",
        ]
    return [dead, f"The rest of the network learns little: {_right(v)}."]


def _dying(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        f"{percent(v.worst_dead, 0)} of a hidden layer’s units pass {_gradient(v)} for any of 512 images. The others "
        f"still learn: {_right(v)}. A lower learning rate keeps more units alive.",
        _usual_rate(v),
    ]


def _saturated(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    units = UNITS.get(v.settings.activation, "units")
    return [
        f"{percent(v.worst_dead, 0)} of a hidden layer’s {units} are at the flat ends of their curve for each of 512 "
        f"images. Their slope there is below 10⁻³, so hardly any gradient passes. The loss is {number(v.loss)}."
    ]


def _decayed(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    usual = f"Weight decay is {v.settings.weight_decay:g}. Usual values are 0.0001 to 0.01. Start again with less."
    if not v.guesses:
        return [f"Weight decay keeps the weights so small that the network learns less: only {_right(v)}.", usual]
    by = v.settings.learning_rate * v.settings.weight_decay / (1 - v.settings.momentum)
    how = f" by {percent(by)}" if v.settings.optimizer == "sgd" and by < 1 else ""
    return [
        f"Weight decay shrinks every weight{how} at each step, faster than the gradient can make it grow. With weights "
        "near zero, all images get the same logits.",
        usual,
    ]


def _zeros(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    if v.settings.activation == "sigmoid":
        return [
            "So all units of a hidden layer compute the same value, get the same gradient, and stay equal: the layer "
            "works like a single unit. Start again with random weights, for example Initialisation: xavier."
        ]
    return [
        "So every hidden unit gives 0, and the gradient of every weight is exactly zero: only the last biases change. "
        "Start again with random weights, for example Initialisation: kaiming."
    ]


def _still(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return ["The learning rate is 0, so no step changes the weights. Choose a rate above 0."]


def _plateau(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    size = number(math.hypot(*v.gradient_norms))
    started = (
        f"Init std {v.settings.init_std:g}" if v.settings.init == "normal" else f"Initialisation: {v.settings.init}"
    )
    return [
        f"After {v.step:,} steps the loss is still {number(v.loss)}; guessing gives ln 10 ≈ 2.30. The initial "
        f"weights are small ({started}). So each layer weakens the signal and, on the way back, the gradient: its "
        f"norm is only {size}.",
        "The gradient grows with the weights, so the run may leave the plateau. Larger initial weights, such as "
        "Initialisation: kaiming, make the wait shorter.",
    ]


def _vanishing(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    first, last = v.gradient_norms[0], v.gradient_norms[-1]
    units = UNITS.get(v.settings.activation, "these units")
    return [
        f"The gradient of W{subscript(len(v.gradient_norms))} has a norm of {number(last)}, that of W₁ only "
        f"{number(first)}. On its way back, each layer makes the gradient smaller, so the first layers hardly learn.",
        f"Use fewer layers, or ReLU with Initialisation: kaiming instead of {units}."
        if v.settings.activation in ("tanh", "sigmoid")
        else "Use fewer layers, or larger initial weights, such as Initialisation: kaiming.",
    ]


def _loud(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    now = (
        f"{number(v.loss)}, still above the 2.30 of guessing" if v.loss > LN10 else f"{number(v.loss)}, and {_right(v)}"
    )
    return [
        f"The first loss was {number(v.first_loss)}, because the network began with very confident wrong answers. It "
        f"has to unlearn them first: now the loss is {now}. With smaller initial weights, it starts near ln 10 ≈ 2.30."
    ]


def _slow(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    falls = "falls slowly" if v.loss < v.loss_before else "does not fall"
    return [
        f"After {v.step:,} steps the loss is {number(v.loss)} and {falls}; {_right(v)}. The learning rate of "
        f"{v.settings.learning_rate:g} may be too low. Try a higher one, or run the learning-rate range test in "
        "Stability."
    ]


def _stuck(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    had_learnt = v.best_loss < GUESSES
    before = f"as low as {number(v.best_loss)}" if had_learnt else f"as high as {number(v.peak_loss)}"
    return [f"The loss was {before}. Now it is {number(v.loss)} and stays there; guessing gives 2.30."]


def _overfitting(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        f"The network learns its training images by heart: {percent(v.accuracy, 0)} of them are classified "
        f"correctly, but only {percent(v.test_accuracy, 0)} of the test images. The test loss was "
        f"{number(v.best_test_loss)} and is now {number(v.test_loss)}. More training images, fewer epochs or some "
        "weight decay help."
    ]


_HAPPENED = {
    Kind.OVERFLOW: _overflow,
    Kind.EXPLODED: _exploded,
    Kind.OSCILLATION: _oscillation,
    Kind.DEAD: _dead,
    Kind.DYING: _dying,
    Kind.SATURATED: _saturated,
    Kind.DECAYED: _decayed,
    Kind.ZEROS: _zeros,
    Kind.STILL: _still,
    Kind.PLATEAU: _plateau,
    Kind.VANISHING: _vanishing,
    Kind.LOUD: _loud,
    Kind.SLOW: _slow,
    Kind.STUCK: _stuck,
    Kind.OVERFITTING: _overfitting,
}
#: What several settings can lead to.
_OF_A_CAUSE = (Kind.OVERFLOW, Kind.EXPLODED, Kind.OSCILLATION, Kind.DEAD, Kind.SATURATED, Kind.STUCK)


def worst_update(post_mortem: PostMortem) -> tuple[int, float, float] | None:
    """The first update after step `well_until` that at least doubled its own mini-batch's loss: its number, the loss
    before it and after it; None where there was none."""
    before = post_mortem.column("loss").astype(float)
    usable = (post_mortem.steps > post_mortem.well_until) & (before > 0) & ~(before > OVERFLOWED)
    after = [math.inf if math.isnan(value) else float(value) for value in post_mortem.column("loss after").tolist()]
    ratios = [(b / a if ok else 0.0) for a, b, ok in zip(before.tolist(), after, usable.tolist(), strict=True)]
    i = next((i for i, ratio in enumerate(ratios) if ratio >= 2), None)
    if i is None:
        return None
    return int(post_mortem.steps[i]), float(before[i]), after[i]


def _leap(post_mortem: PostMortem | None) -> str:
    worst = worst_update(post_mortem) if post_mortem is not None else None
    if worst is None:
        return ""
    step, before, after = worst
    return (
        f"Update {step:,} went too far: the loss of its own mini-batch rose from {number(before)} to {number(after)}."
    )


def _blame(cause: Cause, v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    """What is to blame, and what to do."""
    if cause == Cause.DECAY:
        return [_decay_to_blame(v)]
    if cause == Cause.INIT:
        return [
            f"The initial weights are too large: the first loss was already {number(v.first_loss)}, and guessing gives "
            "2.30. Start again with smaller ones, for example Initialisation: kaiming."
        ]
    change = f"The last change before that: {v.change[1]}, at step {v.change[0]:,}." if v.change is not None else ""
    return [change if cause == Cause.CHANGE else "", _too_fast(v, post_mortem), _usual_rate(v), go_back(post_mortem)]


def _decay_to_blame(v: Vitals) -> str:
    rate, decay = v.settings.learning_rate, v.settings.weight_decay
    usual = f"Weight decay λ is {decay:g}; usual values are 0.0001 to 0.01. Start again with less."
    if decay_overshoots(v.settings):
        return (
            f"Weight decay is to blame: with a learning rate η of {rate:g}, each step multiplies every weight by 1 − "
            f"ηλ = {number(1 - rate * decay)}, so the weights grow. {usual}"
        )
    return f"Weight decay is to blame: it shrinks the weights faster than the gradient makes them grow. {usual}"


def _too_fast(v: Vitals, post_mortem: PostMortem | None) -> str:
    """What the curvature says of the rate, where it says the same as what was tried."""
    if post_mortem is None or post_mortem.stable_rate is None or post_mortem.way_back is None:
        return ""
    rate, stable = v.settings.learning_rate, post_mortem.stable_rate
    if rate > EDGE * stable and post_mortem.way_back.rate <= stable:
        return (
            f"At step {post_mortem.well_until:,}, a learning rate up to about {number(stable)} would have been stable; "
            f"yours is {rate:g}."
        )
    few = v.settings.batch_size <= 16
    return "Each step uses few images, and their noise has the effect of a higher rate." if few else ""


def _usual_rate(v: Vitals) -> str:
    name = ADAPTIVE.get(v.settings.optimizer)
    high = name is not None and v.settings.learning_rate > 0.003
    return f"{name} usually takes a learning rate of 0.0001 to 0.003." if high else ""


def go_back(post_mortem: PostMortem | None) -> str:
    """The way back, and what was tried."""
    if post_mortem is None:
        return "Try a lower learning rate."
    way = post_mortem.way_back
    if way is None:
        return "None of the rates tried at earlier steps helps. Start again with other settings."
    loss = dict(way.tried)[way.rate]
    return (
        f"Go back to step {way.step:,} with a learning rate of {way.rate:g}. This was tried on a copy: in "
        f"{way.steps:,} steps the loss went from {number(way.loss)} to {number(loss)}."
    )


def _gradient(v: Vitals) -> str:
    return "no gradient" if v.settings.activation == "relu" else "hardly any gradient"
