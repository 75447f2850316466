"""One step, taken apart: the run's next update, line by line, with its own numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mlpviz.answers import Walk
from mlpviz.backend.commands import ForgetWalk, OneStep, Pause
from mlpviz.backend.questions import CameTrue, GradientOf, MoveOf, WalkNextStep
from mlpviz.figures.chart import number
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.update import logit_bars, logit_gradient_bars, probability_bars, value_histogram
from mlpviz.images.predictions import softmax
from mlpviz.page import door, memory
from mlpviz.page.door import answer
from mlpviz.page.guard import safely
from mlpviz.page.keys import shortcut, show_keys
from mlpviz.page.line_by_line.ablation import offer_what_ifs
from mlpviz.page.line_by_line.check import check_it_yourself
from mlpviz.page.line_by_line.listing import code_of, listing, texts
from mlpviz.page.line_by_line.modes import ASIDES
from mlpviz.page.line_by_line.pick import pick_image, pick_parameter, pick_place
from mlpviz.page.line_by_line.terms import move_terms, sample_loss_terms
from mlpviz.page.memory import computed
from mlpviz.page.player import more_epochs
from mlpviz.page.plot import SILENT, diverging, figure_html, grey, mosaic, numbers_html, picture, plot
from mlpviz.snapshot import Status
from mlpviz.state import RunState

PARTS = ("batch", "forward", "loss", "zero_grad", "backward", "step")  # of a walk, by their keys in the script
KEYS = {"walk_back": "B", "walk_forward": "N", "walk_next": "N"}
RESTING = (Status.PREPARING, Status.PAUSED, Status.EXAMINING)


@dataclass(frozen=True)
class UnderWay:
    """The walk that the page shows.

    Attributes:
        run: the id of the run. walk: its update, taken apart. made: whether the run has made this update, bit for bit.
    """

    run: str
    walk: Walk
    made: bool


def one_step(run: RunState) -> None:
    """The script on the left. On the right, the open line with this run's tensors."""
    left, right = st.columns([3, 7], gap="medium")
    with left:
        key = listing(run)
    walk = _walk(run)
    with right:
        _walk_buttons(run, walk, key)
        st.markdown(texts()[key])
        if key in ASIDES:
            st.code(code_of(run, key))
            ASIDES[key](run)
        elif key in PARTS:
            _walk_panel(run, walk, key)
        offer_what_ifs(key)


def forget_walk() -> None:
    """Drop the walk when the reader leaves: walks are large."""
    under_way: UnderWay | None = memory.WALK.take()
    if under_way is None:
        return
    memory.forget_computed("walk_")
    run = door.find_run(under_way.run)
    if run is not None:
        door.tell(run, ForgetWalk(memory.READER.get()))


def _walk(run: RunState) -> UnderWay | None:
    """The walk to show in this script run; None if there is none yet, or if it belongs to another update."""
    under_way: UnderWay | None = memory.WALK.get()
    if under_way is not None and under_way.run != run.id:
        forget_walk()
        return None
    if under_way is None or run.status == Status.TRAINING:
        return None
    walk = under_way.walk
    if run.step == walk.step - 1 and walk.settings == run.settings:
        return under_way
    if run.step != walk.step:
        return None
    if not under_way.made:  # the run has made an update; was it this one?
        under_way = UnderWay(run.id, walk, answer(run, CameTrue(memory.READER.get(), walk.step)))
        memory.WALK.set(under_way)
    return under_way if under_way.made else None


def _new_walk(run: RunState) -> UnderWay | None:
    """A walk of the run's next update, if the run is not training and has one left."""
    if run.status not in RESTING or run.step >= run.total_steps:
        return None
    fresh = UnderWay(run.id, answer(run, WalkNextStep(memory.READER.get())), made=False)
    memory.WALK.set(fresh)
    return fresh


def _walk_buttons(run: RunState, walk: UnderWay | None, key: str) -> None:
    made = walk is not None and walk.made
    at = PARTS.index(key) if key in PARTS else 0
    show_keys(KEYS)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back",
            key="walk_back",
            shortcut=shortcut(KEYS["walk_back"]),
            disabled=at == 0,
            on_click=safely(_go),
            args=(PARTS[max(0, at - 1)],),
        )
        if key == "step" and made:
            st.button(
                "Next batch",
                key="walk_next",
                shortcut=shortcut(KEYS["walk_next"]),
                type="primary",
                on_click=safely(_next),
            )
        else:
            target = PARTS[min(at + 1, len(PARTS) - 1)] if key in PARTS else "batch"
            makes = key in ("backward", "step") and not made
            st.button(
                "Forward",
                key="walk_forward",
                shortcut=shortcut(KEYS["walk_forward"]),
                type="primary",
                disabled=run.status not in RESTING and not made,
                on_click=safely(_make if makes else _go),
                args=(run,) if makes else (target,),
            )
        st.markdown(_where(run, walk.walk if walk is not None and made else None))


def _where(run: RunState, made: Walk | None) -> str:
    """Which update is shown, in words."""
    if made is None and run.step >= run.total_steps:
        return f"All {run.total_steps:,} updates are done."
    number_shown = made.step if made is not None else run.step + 1
    return f"Update **{number_shown:,}** of {run.total_steps:,}: {'done' if made is not None else 'not done yet'}"


def _go(key: str) -> None:
    memory.LINE.set(key)


def _make(run: RunState) -> None:
    """A callback: let the run make the update, and wait until it is done."""
    run, under_way = door.now(run), memory.WALK.get()
    if under_way is not None and under_way.run == run.id:
        walk = under_way.walk
        if run.step == walk.step - 1 and walk.settings == run.settings:
            door.tell(run, OneStep())
            door.wait_for(run, walk.step)
    memory.LINE.set("step")


def _next() -> None:
    memory.WALK.forget()
    memory.LINE.set("batch")


def _walk_panel(run: RunState, walk: UnderWay | None, key: str) -> None:
    shown = walk or _new_walk(run)
    if shown is None:
        _nothing_to_walk(run)
        return
    panels = {
        "batch": _batch,
        "forward": _forward,
        "loss": _loss,
        "zero_grad": _zero_grad,
        "backward": _backward,
    }
    if key == "step":
        _step(run, shown)
    else:
        panels[key](run, shown.walk)


def _nothing_to_walk(run: RunState) -> None:
    if run.status == Status.TRAINING:
        st.info("This run is training. Pause it to take its next update apart.")
        st.button("Pause and take the next update apart", on_click=safely(_pause), args=(run,))
    elif run.status == Status.FAILED:
        st.info("An error stopped this run. **Reset** starts it again.")
    else:
        further = " The first button trains for more epochs." if more_epochs(run) else ""
        st.info(f"This run is finished. **Reset** goes back to step 0.{further}")


def _pause(run: RunState) -> None:
    door.tell(run, Pause(), door.PATIENCE)


def _batch(run: RunState, shown: Walk) -> None:
    m, classes = len(shown.labels), run.classes
    st.caption(f"X: ({m:,}, 28, 28), float32 from 0 to 1 · y: ({m:,}), integers")
    count = min(24, len(shown.images))
    tiles = [
        figure_html(grey(shown.images[i]), classes[shown.labels[i]], f"{i + 1}. {classes[shown.labels[i]]}", "100%")
        for i in range(count)
    ]
    st.html(f'<div class="mlpviz-batch">{"".join(tiles)}</div>')
    st.caption(f"The first {count} of the {m:,} images of update {shown.step:,}.")


def _forward(run: RunState, shown: Walk) -> None:
    i = pick_image(shown)
    classes, label = run.classes, int(shown.labels[i])
    sizes = [h.shape[1] for h in shown.hidden]
    chain = " → ".join(f"({len(shown.labels):,}, {size})" for size in (784, *sizes, 10))
    st.caption(f"Shapes: {chain}")
    with st.container(key="stack_forward"):
        left, right = st.columns([5, 4], gap="medium")
    with left:
        st.markdown(f"**x**: {classes[label]}, pixel values × 100")
        st.html(numbers_html(shown.images[i], f"The pixels of image {i + 1}, {classes[label]}"))
    with right:
        for layer, (h, silent) in enumerate(zip(shown.hidden, shown.silent, strict=True), 1):
            zeros = int((h[i] == 0).sum())
            note = (
                f"{len(silent)} units; {zeros} are 0 here; {int(silent.sum())} are 0 on the whole mini-batch (orange)"
            )
            st.markdown(f"**h{subscript(layer)}**: {note}")
            if not np.isfinite(h[i]).all():
                st.caption("Some of them are NaN or infinite: the network is broken.")
            picture(_unit_grid(h[i], silent), f"Activations of hidden layer {layer}: {note}")
        plot(logit_bars(shown.logits[i], label, classes), key="logits")


def _unit_grid(h: np.ndarray, silent: np.ndarray) -> np.ndarray:
    """Units in rows of 32, (rows, 32, 3) uint8: the larger, the redder; silent units are orange."""
    columns = 32
    rows = -(-len(h) // columns)
    padded, marked = np.zeros(rows * columns, dtype=np.float32), np.zeros(rows * columns, dtype=bool)
    padded[: len(h)], marked[: len(h)] = h, silent
    colors = diverging(padded)
    colors[marked] = SILENT
    return colors.reshape(rows, columns, 3)


def _loss(run: RunState, shown: Walk) -> None:
    i = pick_image(shown)
    classes, label = run.classes, int(shown.labels[i])
    left, right = st.columns(2, gap="medium")
    with left:
        plot(logit_bars(shown.logits[i], label, classes), key="logits")
    with right:
        plot(probability_bars(shown.logits[i], label, classes), key="probabilities")
    st.latex(sample_loss_terms(shown, i))
    st.markdown(
        f"`nn.CrossEntropyLoss` gives **{shown.losses[i]:.7g}** for this image. The mean over the "
        f"{len(shown.labels):,} images is **{float(shown.losses.astype(np.float64).mean()):.7g}**; the program’s "
        f"`loss` is **{shown.loss:.7g}**."
    )


def _zero_grad(run: RunState, shown: Walk) -> None:
    rows = [
        {"parameter": p.name, "‖.grad‖ before": "None" if p.old_norm is None else number(p.old_norm), "after": "None"}
        for p in shown.parameters
    ]
    st.dataframe(rows, hide_index=True, width=460)
    if shown.step == 1:
        st.caption("Before the first update there is nothing to clear.")
    else:
        st.caption(f"The gradients of update {shown.step - 1:,}, before and after this line.")


def _backward(run: RunState, shown: Walk) -> None:
    i = pick_image(shown)
    classes = run.classes
    onehot = np.eye(10)[shown.labels]
    formula = (softmax(shown.logits) - onehot) / len(shown.labels)
    left, right = st.columns(2, gap="medium")
    with left:
        plot(logit_gradient_bars(formula[i], shown.logit_gradient[i], classes), key="logit_gradient")
        worst = float(np.abs(formula - shown.logit_gradient).max())
        if np.isfinite(worst):
            st.caption(f"Over all {len(onehot):,} images the two differ by at most {number(worst)}. That is rounding.")
        else:
            st.caption("Some of these numbers are NaN or infinite: the network is broken.")
    with right:
        name = pick_parameter(shown)
        gradient = _gradient(run, shown, name)
        size = number(float(np.linalg.norm(gradient.astype(np.float64))))
        st.caption(f"{name}.grad: {gradient.shape}, norm {size}")
        plot(value_histogram(name, gradient), key="gradient_histogram")
    first = _gradient(run, shown, "W1")
    strongest = np.argsort(-np.linalg.norm(np.nan_to_num(first), axis=1))[:24]
    st.markdown("**∂L/∂W₁ as images**, for up to 24 units with the largest gradients: blue is negative, red positive")
    sheet = diverging(mosaic(first[np.sort(strongest)].reshape(-1, 28, 28), 12))
    picture(sheet, "The first layer's gradient as images, one for each unit")
    check_it_yourself(run, shown)


def _gradient(run: RunState, shown: Walk, name: str) -> np.ndarray:
    """The gradient of one parameter in this update."""
    question = GradientOf(memory.READER.get(), shown.step, name)
    return computed(f"walk_gradient_{name}", (run.id, shown.settings, question), lambda: answer(run, question))


def _step(run: RunState, shown: UnderWay) -> None:
    walk = shown.walk
    name = pick_parameter(walk)
    place = pick_place(walk, name)
    move = answer(run, MoveOf(memory.READER.get(), walk.step, name, place))
    st.latex(move_terms(walk.settings, move, name, place))
    if run.step != walk.step:
        st.caption("The run has not done this update yet. Press **Forward** to do it.")
        return
    count = sum(math.prod(parameter.shape) for parameter in walk.parameters)
    st.success(f"Update done: all {count:,} parameters of the run are, bit for bit, what was computed here before.")
