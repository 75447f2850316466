"""What is wrong with a run, in words: the mechanism, the evidence, the cure."""

from __future__ import annotations

import math

from mlpviz.diagnosis import (
    GUESSES,
    LIKE_GUESSING,
    LN10,
    OVER_THE_EDGE,
    OVERFLOWED,
    POOR_ACCURACY,
    SPIKE,
    Diagnosis,
    Kind,
    PostMortem,
    Severity,
    Vitals,
    stability_factor,
)
from mlpviz.figures.chart import number, percent
from mlpviz.figures.gradient_norms import subscript

TITLES = {
    Kind.HEALTHY: "Healthy",
    Kind.YOUNG: "Too early to say",
    Kind.SLOW: "Slow",
    Kind.STILL: "Standing still",
    Kind.OVERFLOW: "Overflow",
    Kind.EXPLODED: "Exploding",
    Kind.OSCILLATION: "Overshooting to and fro",
    Kind.DEAD: "Dead units",
    Kind.DYING: "Dying units",
    Kind.SATURATED: "Saturated",
    Kind.DECAYED: "Decayed",
    Kind.ZEROS: "No way out of zero",
    Kind.PLATEAU: "On a plateau",
    Kind.VANISHING: "The gradient vanishes on its way down",
    Kind.LOUD: "Too loud a start",
    Kind.STUCK: "Stuck",
}
UNITS = {"relu": "ReLUs", "tanh": "tanhs", "sigmoid": "sigmoids"}


def words(diagnosis: Diagnosis | None, post_mortem: PostMortem | None = None) -> str:
    """One paragraph on what is wrong; nothing while all is well."""
    if diagnosis is None or diagnosis.severity == Severity.HEALTHY:
        return ""
    if post_mortem is not None and post_mortem.diagnosis.kind == diagnosis.kind:
        diagnosis = post_mortem.diagnosis
    else:
        post_mortem = None
    sentences = _MECHANISMS[diagnosis.kind](diagnosis.vitals, post_mortem)
    return f"{TITLES[diagnosis.kind]}. " + " ".join(sentence for sentence in sentences if sentence)


def how_it_is_doing(diagnosis: Diagnosis | None) -> str:
    """The same for a run that is well."""
    if diagnosis is None or diagnosis.kind == Kind.YOUNG:
        return "Too early to say: the first diagnosis takes a hundred steps."
    if diagnosis.severity == Severity.HEALTHY:
        return (
            f"Healthy: over the latest 100 steps the loss is {number(diagnosis.vitals.loss)}, where guessing costs "
            f"2.30, and {percent(diagnosis.vitals.accuracy)} of the images are right."
        )
    return words(diagnosis)


def _overflow(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    if post_mortem is None or post_mortem.first_bad is None:
        return [f"The loss stopped being finite at step {v.not_finite_step:,}."]
    what, layer, step = post_mortem.first_bad
    last = len(v.gradient_norms)
    names = {
        "activations": f"the outputs of layer {layer}",
        "logits": "the logits",
        "loss": "the loss",
        "gradient": f"the gradient of W{subscript(layer)}",
        "weights": f"the weights W{subscript(layer)}",
    }
    row = step - int(post_mortem.steps[0])
    sizes = post_mortem.column(f"output {last}")[: row + 1]
    grown = sizes[sizes > 1e6]
    return [
        f"At update {step:,}, {names[what]} were the first numbers to become infinite or NaN: float32 ends at 3.4·10³⁸."
        if what not in ("loss",)
        else f"At update {step:,} the loss was the first number to become infinite or NaN: float32 ends at 3.4·10³⁸.",
        f"Before, logits had grown to {number(float(grown.max()))}."
        if len(grown) and math.isfinite(grown.max())
        else "",
        _leap(post_mortem),
        _too_fast(v, post_mortem),
        _loud_start(v),
        _go_back(v, post_mortem),
    ]


def _exploded(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        f"The loss is {number(v.loss)}, thousands of times what guessing costs: each step overshoots further.",
        _leap(post_mortem),
        _too_fast(v, post_mortem),
        _loud_start(v),
        _go_back(v, post_mortem),
    ]


def _oscillation(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    right = (
        f"{percent(v.accuracy, 0)} of the answers are right, but the wrong ones are given far too confidently: "
        if v.accuracy > POOR_ACCURACY
        else ""
    )
    return [
        f"{right}the loss is {number(v.loss)}, worse than guessing’s 2.30." if right else "",
        "" if right else f"The loss swings around {number(v.loss)}, worse than guessing’s 2.30, and does not fall.",
        "Each step jumps across the valley instead of down into it: the edge of stability, from beyond.",
        _too_fast(v, post_mortem),
        _go_back(v, post_mortem) or "A lower learning rate settles it.",
    ]


def _dead(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    harmless = abs(v.of_guessing - 1) < LIKE_GUESSING
    return [
        f"{percent(v.worst_dead, 0)} of a hidden layer’s units pass {_gradient(v)} on any of 512 images, so training "
        "can’t revive them.",
        f"The loss of {number(v.loss)} looks harmless, but it is near ln 10 ≈ 2.30, which is what guessing costs."
        if harmless
        else f"What is left {'guesses' if v.guesses else 'learns poorly'}: {percent(v.accuracy, 0)} right.",
        _leap(post_mortem),
        _too_fast(v, post_mortem),
        _go_back(v, post_mortem) or "Try a lower learning rate.",
    ]


def _dying(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        f"{percent(v.worst_dead, 0)} of a hidden layer’s units pass {_gradient(v)} on any of 512 images. The others "
        f"still learn ({percent(v.accuracy, 0)} right), in a smaller network. A lower rate spares them."
    ]


def _saturated(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    units = UNITS.get(v.settings.activation, "units")
    return [
        f"{percent(v.worst_dead, 0)} of a hidden layer’s {units} are driven so far to their ends, on every one of 512 "
        "images, that their slope is below 10⁻³: hardly any gradient passes.",
        f"The loss is {number(v.loss)}.",
        _leap(post_mortem),
        _too_fast(v, post_mortem),
        _loud_start(v),
        _go_back(v, post_mortem) or "Try a lower rate, or a smaller init.",
    ]


def _decayed(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    by = number(v.settings.learning_rate * v.settings.weight_decay / (1 - v.settings.momentum))
    how = f"by about {by} of itself, " if v.settings.optimizer == "sgd" else ""
    return [
        f"The decay shrinks every weight at each step, {how}faster than the gradient can build it up; with weights "
        "near zero every image gets the same logits.",
        f"Weight decay is {v.settings.weight_decay:g}; 0.0001 to 0.01 is usual.",
    ]


def _zeros(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        "All weights began at zero. Every hidden unit then puts out the same, and the gradient of every weight is "
        "exactly zero: only the last biases move. Initialise at random, by normal or kaiming."
    ]


def _still(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return ["The learning rate is 0: steps are counted, and nothing moves."]


def _plateau(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    size = number(math.hypot(*v.gradient_norms))
    started = f"init std {v.settings.init_std:g}" if v.settings.init == "normal" else v.settings.init
    return [
        f"After {v.step:,} steps the loss is still ln 10 ≈ 2.30. The weights began so small ({started}) that each "
        f"layer hands on a fainter signal than it got, and gets back a fainter gradient: its norm is only {size}.",
        "It may leave the plateau, for the gradient grows with the weights, but a larger init, such as kaiming, "
        "or a higher rate, saves the wait.",
    ]


def _vanishing(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    first, last = v.gradient_norms[0], v.gradient_norms[-1]
    units = UNITS.get(v.settings.activation, "activations")
    return [
        f"W{subscript(len(v.gradient_norms))}’s gradient has a norm of {number(last)}, W₁’s only {number(first)}: each "
        "layer that the gradient passes on its way back makes it smaller, so the first layers hardly learn.",
        f"Fewer layers help, or ReLUs with kaiming instead of {units}."
        if v.settings.activation in ("tanh", "sigmoid")
        else "Fewer layers help, or a larger init, such as kaiming.",
    ]


def _loud(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    return [
        f"The first loss was {number(v.first_loss)}: the weights began so large that the network was sure of nonsense; "
        f"it spends its time on unlearning that, and the loss, {number(v.loss)}, is still above guessing’s 2.30. "
        "A smaller init starts near ln 10."
    ]


def _slow(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    bears = (
        f" At present, rates up to about {number(v.stable_rate)} would be stable."
        if v.stable_rate and v.stable_rate > 2 * v.settings.learning_rate
        else ""
    )
    return [
        f"Nothing is broken: after {v.step:,} steps the loss is {number(v.loss)} and falls, but slowly. "
        f"The learning rate of {v.settings.learning_rate:g} is small.{bears} Raise it, or wait."
    ]


def _stuck(v: Vitals, post_mortem: PostMortem | None) -> list[str]:
    had_learnt = v.best_loss < GUESSES
    return [
        f"The loss is back at {number(v.loss)}, what guessing costs, after it had been "
        f"{'as low as ' + number(v.best_loss) if had_learnt else 'as high as ' + number(v.peak_loss)}.",
        _leap(post_mortem),
        _too_fast(v, post_mortem),
        _go_back(v, post_mortem) or "Try a lower learning rate.",
    ]


_MECHANISMS = {
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
}


def worst_update(post_mortem: PostMortem) -> tuple[int, float, float] | None:
    """The first update after step `back_to` that at least doubled its own mini-batch's loss: its number, the loss
    before it and after it; None where there was none."""
    before = post_mortem.column("loss").astype(float)
    usable = (post_mortem.steps > post_mortem.back_to) & (before > 0) & ~(before > OVERFLOWED)
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
    return f"Update {step:,} overshot: its own mini-batch’s loss went from {number(before)} to {number(after)}."


def _too_fast(v: Vitals, post_mortem: PostMortem | None) -> str:
    if post_mortem is None or post_mortem.stable_rate is None:
        return ""
    rate, stable = v.settings.learning_rate, post_mortem.stable_rate * stability_factor(v.settings) / 2
    if not rate > OVER_THE_EDGE * stable:  # nor where there is no such threshold
        few = v.settings.batch_size <= 16
        return "Each step follows few images, and their noise does what a high rate does." if few else ""
    return (
        f"At step {post_mortem.back_to:,} the curvature could bear a learning rate of about {number(stable)}; yours is "
        f"{rate:g}, {number(rate / stable)} times as much."
    )


def _gradient(v: Vitals) -> str:
    return "no gradient" if v.settings.activation == "relu" else "hardly any gradient"


def _loud_start(v: Vitals) -> str:
    if v.first_loss <= SPIKE * LN10:
        return ""
    return (
        f"It began badly, too: with weights so large, the first loss was {number(v.first_loss)}. Make the init smaller."
    )


def _go_back(v: Vitals, post_mortem: PostMortem | None) -> str:
    if post_mortem is None or v.first_loss > SPIKE * LN10:
        return ""
    return f"Go back to step {post_mortem.back_to:,}, and go on from there with a lower rate."
