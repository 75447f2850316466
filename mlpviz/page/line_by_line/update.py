"""One step, taken apart: the run's next update, line by line, with its own numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlpviz.figures.chart import number
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.update import logit_bars, logit_gradient_bars, probability_bars, value_histogram
from mlpviz.line_by_line.walk import Walk, came_true, walk
from mlpviz.live.engine import get_engine
from mlpviz.page.answers import answer, wait_for
from mlpviz.page.keys import show_keys
from mlpviz.page.line_by_line.ablation import offer_ablations
from mlpviz.page.line_by_line.check import check_it_yourself
from mlpviz.page.line_by_line.listing import code_of, listing, texts
from mlpviz.page.line_by_line.modes import ASIDES
from mlpviz.page.line_by_line.pick import pick_image, pick_parameter, pick_place
from mlpviz.page.line_by_line.terms import move_terms, sample_loss_terms
from mlpviz.page.plot import SILENT, diverging, figure_html, grey, mosaic, numbers_html, picture, plot
from mlpviz.predictions import softmax
from mlpviz.run import Run

WALK = ("batch", "forward", "loss", "zero_grad", "backward", "step")
KEYS = {"walk_back": "B", "walk_forward": "N", "walk_next": "N"}
RESTING = ("preparing", "paused", "examining")


def one_step(run: Run, status: str) -> None:
    """The script on the left; on the right the open line, with this run's tensors."""
    left, right = st.columns([3, 7], gap="medium")
    with left:
        key = listing(run)
    with right:
        _walk_buttons(run, status, key)
        st.markdown(texts()[key])
        if key in ASIDES:
            st.code(code_of(run, key))
            ASIDES[key](run)
        elif key in WALK:
            _walk_panel(run, status, key)
        offer_ablations(key)


def current_walk(run: Run, status: str) -> Walk | None:
    """The walk under way, or a new one of the run's next update; None while it trains or when there is no next."""
    if status == "training":
        return None
    kept = _kept(run)
    if kept is not None and (_made(run, kept) or (run.step == kept.step - 1 and kept.settings == run.settings)):
        return kept
    if status not in RESTING or run.step >= run.total_steps:
        return None
    fresh = answer(run, lambda run: walk(run.trainer))
    st.session_state.walk, st.session_state.walk_run, st.session_state.walk_made = fresh, run.id, False
    return fresh


def forget_walk() -> None:
    """Walks are large: none is kept while the reader is elsewhere."""
    st.session_state.pop("walk", None)


def _kept(run: Run) -> Walk | None:
    kept: Walk | None = st.session_state.get("walk")
    return kept if st.session_state.get("walk_run") == run.id else None


def _made(run: Run, kept: Walk | None) -> bool:
    """Whether the walk's update is the one that the run has just made: by Forward here, or by other means."""
    if kept is None or run.step != kept.step:
        return False
    made: bool = st.session_state.walk_made or answer(run, lambda run: came_true(kept, run.trainer))
    return made


def _walk_buttons(run: Run, status: str, key: str) -> None:
    kept = _kept(run)
    made = status != "training" and _made(run, kept)
    at = WALK.index(key) if key in WALK else 0
    resting = status in RESTING or made
    show_keys(KEYS)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back",
            key="walk_back",
            shortcut=KEYS["walk_back"],
            disabled=at == 0,
            on_click=_go,
            args=(WALK[max(0, at - 1)],),
        )
        if key == "step" and made:
            st.button(
                "Next batch", key="walk_next", shortcut=KEYS["walk_next"], type="primary", on_click=_next, args=(run,)
            )
        else:
            target = WALK[min(at + 1, len(WALK) - 1)] if key in WALK else "batch"
            makes = key in ("backward", "step") and not made
            st.button(
                "Forward",
                key="walk_forward",
                shortcut=KEYS["walk_forward"],
                type="primary",
                disabled=not resting,
                on_click=_make if makes else _go,
                args=(run,) if makes else (target,),
            )
        st.markdown(_where(run, kept if made else None))


def _where(run: Run, made: Walk | None) -> str:
    """Which update is on show, in words."""
    if made is None and run.step >= run.total_steps:
        return f"All {run.total_steps:,} updates are made."
    number_shown = made.step if made is not None else run.step + 1
    return f"Update **{number_shown:,}** of {run.total_steps:,}: {'made' if made is not None else 'not made yet'}"


def _go(key: str) -> None:
    st.session_state.line = key


def _make(run: Run) -> None:
    """Let the run itself make the update."""
    kept = _kept(run)
    if kept is not None and run.step == kept.step - 1 and kept.settings == run.settings:
        get_engine().step(run)
        wait_for(run, kept.step)
        st.session_state.walk_made = run.step == kept.step
    st.session_state.line = "step"


def _next(run: Run) -> None:
    st.session_state.pop("walk", None)
    st.session_state.line = "batch"


def _walk_panel(run: Run, status: str, key: str) -> None:
    shown = current_walk(run, status)
    if shown is None:
        _nothing_to_walk(run, status)
        return
    panels = {
        "batch": _batch,
        "forward": _forward,
        "loss": _loss,
        "zero_grad": _zero_grad,
        "backward": _backward,
        "step": _step,
    }
    panels[key](run, shown)


def _nothing_to_walk(run: Run, status: str) -> None:
    if status == "training":
        st.info("It is training. Pause it, and its next update can be taken apart here.")
        st.button("Pause and take the next update apart", on_click=_pause, args=(run,))
    elif status == "failed":
        st.info("This run was stopped by an error. Reset begins it anew.")
    else:
        st.info("This run is finished. Reset goes back to step 0; Start offers more epochs.")


def _pause(run: Run) -> None:
    get_engine().pause(run).wait(10)


def _batch(run: Run, shown: Walk) -> None:
    m, classes = len(shown.labels), run.trainer.dataset.classes
    st.caption(f"X: ({m:,}, 28, 28), float32 from 0 to 1 · y: ({m:,}), whole numbers")
    count = min(24, len(shown.images))
    tiles = [
        figure_html(grey(shown.images[i]), classes[shown.labels[i]], f"{i + 1}. {classes[shown.labels[i]]}", "100%")
        for i in range(count)
    ]
    st.html(f'<div class="mlpviz-batch">{"".join(tiles)}</div>')
    st.caption(f"The first {count} of the {m:,} images of update {shown.step:,}.")


def _forward(run: Run, shown: Walk) -> None:
    i = pick_image(shown)
    classes, label = run.trainer.dataset.classes, int(shown.labels[i])
    sizes = [h.shape[1] for h in shown.hidden]
    chain = " → ".join(f"({len(shown.labels):,}, {size})" for size in (784, *sizes, 10))
    st.caption(f"Shapes: {chain}")
    with st.container(key="stack_forward"):
        left, right = st.columns([5, 4], gap="medium")
    with left:
        st.markdown(f"**x**: {classes[label]}, pixels in hundredths")
        st.html(numbers_html(shown.images[i], f"The pixels of image {i + 1}, {classes[label]}"))
    with right:
        for layer, (h, silent) in enumerate(zip(shown.hidden, shown.silent, strict=True), 1):
            zeros = int((h[i] == 0).sum())
            note = f"{len(silent)} units; 0 here: {zeros}; 0 on the whole mini-batch (orange): {int(silent.sum())}"
            st.markdown(f"**h{subscript(layer)}**: {note}")
            if not np.isfinite(h[i]).all():
                st.caption("Not all of them are finite: the network is broken.")
            picture(_unit_grid(h[i], silent), f"Activations of hidden layer {layer}: {note}")
        plot(logit_bars(shown.logits[i], label, classes), key="logits")


def _unit_grid(h: np.ndarray, silent: np.ndarray) -> np.ndarray:
    """Units in rows of 32, (rows, 32, 3) uint8: the stronger the redder; silent ones in orange."""
    columns = 32
    rows = -(-len(h) // columns)
    padded, marked = np.zeros(rows * columns, dtype=np.float32), np.zeros(rows * columns, dtype=bool)
    padded[: len(h)], marked[: len(h)] = h, silent
    colors = diverging(padded)
    colors[marked] = SILENT
    return colors.reshape(rows, columns, 3)


def _loss(run: Run, shown: Walk) -> None:
    i = pick_image(shown)
    classes, label = run.trainer.dataset.classes, int(shown.labels[i])
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


def _zero_grad(run: Run, shown: Walk) -> None:
    rows = [
        {"parameter": p.name, "‖.grad‖ before": "None" if p.old_norm is None else number(p.old_norm), "after": "None"}
        for p in shown.parameters
    ]
    st.dataframe(rows, hide_index=True, width=460)
    if shown.step == 1:
        st.caption("Before the first update there is nothing to clear.")
    else:
        st.caption(f"What update {shown.step - 1:,} left, and what this line makes of it.")


def _backward(run: Run, shown: Walk) -> None:
    i = pick_image(shown)
    classes = run.trainer.dataset.classes
    onehot = np.eye(10)[shown.labels]
    formula = (softmax(shown.logits) - onehot) / len(shown.labels)
    left, right = st.columns(2, gap="medium")
    with left:
        plot(logit_gradient_bars(formula[i], shown.logit_gradient[i], classes), key="logit_gradient")
        worst = float(np.abs(formula - shown.logit_gradient).max())
        if np.isfinite(worst):
            st.caption(f"Over all {len(onehot):,} images the two differ by {number(worst)} at most: rounding.")
        else:
            st.caption("Not all of these numbers are finite: the network is broken.")
    with right:
        parameter = shown.parameter(pick_parameter(shown))
        size = number(float(np.linalg.norm(parameter.gradient.astype(np.float64))))
        st.caption(f"{parameter.name}.grad: {parameter.gradient.shape}, norm {size}")
        plot(value_histogram(parameter.name, parameter.gradient), key="gradient_histogram")
    first = shown.parameter("W1").gradient
    strongest = np.argsort(-np.linalg.norm(np.nan_to_num(first), axis=1))[:24]
    st.markdown("**∂L/∂W₁ as images**, of the 24 units with the largest gradient: blue negative, red positive")
    sheet = diverging(mosaic(first[np.sort(strongest)].reshape(-1, 28, 28), 12))
    picture(sheet, "The first layer's gradient as images, a unit each")
    check_it_yourself(run, shown)


def _step(run: Run, shown: Walk) -> None:
    name = pick_parameter(shown)
    place = pick_place(shown, name)
    st.latex(move_terms(shown, name, place))
    if run.step != shown.step:
        st.caption("The update is not made yet: **Forward** lets the run make it.")
        return
    same = answer(run, lambda run: came_true(shown, run.trainer))
    count = sum(p.after.size for p in shown.parameters)
    if same:
        st.success(f"All {count:,} parameters of the run are now, bit for bit, what this walk foretold.")
    elif run.step == shown.step:
        st.error("The run’s parameters differ from the walk’s. That must not happen: please report it.")
