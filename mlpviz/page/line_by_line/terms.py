"""Formulas with their numbers, in LaTeX."""

from __future__ import annotations

import numpy as np

from mlpviz.answers import Move, Walk
from mlpviz.settings import Settings

OPTIMIZER_RULES = {
    "sgd": r"d = g",
    "momentum": r"v \leftarrow \mu v + g,\quad d = v",
    "nesterov": r"v \leftarrow \mu v + g,\quad d = g + \mu v",
    "rmsprop": r"s \leftarrow 0.99\, s + 0.01\, g^2,\quad d = g / (\sqrt{s} + 10^{-8})",
    "adam": r"d = \hat m / (\sqrt{\hat v} + 10^{-8})",
    "adamw": r"d = \hat m / (\sqrt{\hat v} + 10^{-8}) + \lambda\theta",
}


def sample_loss_terms(walk: Walk, i: int) -> str:
    """−z_y + log Σ exp z_k for image i, in float64."""
    z = walk.logits[i].astype(np.float64)
    right = z[walk.labels[i]]
    log_sum = z.max() + np.log(np.exp(z - z.max()).sum())
    if log_sum <= 700:
        log = rf"\log({tex(np.exp(log_sum))})"
    else:  # e to that power overflows float64: take the largest logit out
        log = rf"{tex(z.max())} + \log({tex(np.exp(z - z.max()).sum())})"
    return (
        r"-z_y + \log \textstyle\sum_k e^{z_k} = "
        rf"-({tex(right)}) + {log} = {tex(-right)} + {tex(log_sum)} = {tex(log_sum - right)}"
    )


def move_terms(settings: Settings, move: Move, name: str, place: tuple[int, ...]) -> str:
    """θ, g, d, η and θ − ηd for one number, and the optimizer's own result."""
    index = ",".join(str(i) for i in place)
    kind = settings.optimizer
    if kind == "sgd" and settings.momentum:
        kind = "nesterov" if settings.nesterov else "momentum"
    rule = OPTIMIZER_RULES[kind]
    decay = settings.weight_decay and settings.optimizer != "adamw"
    gradient = r"\partial L/\partial\theta + \lambda\theta" if decay else r"\partial L/\partial\theta"
    rate = settings.learning_rate
    lines = [
        rf"\theta &= ({name[0]}_{{{name[1:]}}})_{{{index}}} = {tex(move.theta, 9)}",
        rf"\partial L/\partial\theta &= {tex(move.gradient, 9)}",
        *(rf"{name} &= {tex(value, 9)}" for name, value in move.memory.items()),
        rf"{rule} \quad (g = {gradient}) \quad d &= {tex(move.direction, 9)}",
        rf"\theta - \eta d &= {tex(move.theta, 9)} - {tex(rate)} \cdot ({tex(move.direction, 9)})",
        rf"&= {tex(move.result, 9)}",
        rf"\text{{optimizer.step()}} &\to {tex(move.actual, 9)} \quad \text{{{_ulps(move.ulps)}}}",
    ]
    if kind == "sgd" and not decay:  # d is the gradient itself
        del lines[2]
        lines[2] = lines[2].replace(r"\eta d", r"\eta g")
    return r"\begin{aligned}" + r"\\ ".join(lines) + r"\end{aligned}"


def tex(value: float, digits: int = 5) -> str:
    """A number in LaTeX, with `digits` significant digits."""
    if not np.isfinite(value):
        return r"\text{NaN}" if np.isnan(value) else (r"\infty" if value > 0 else r"-\infty")
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def _ulps(ulps: float) -> str:
    if not np.isfinite(ulps):
        return "(not finite)"
    return f"(difference: {ulps:.2g} units in float32's last place)"
