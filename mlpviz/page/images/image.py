"""One image: what the network predicts, how this has changed, and why."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlpviz.answers import Contributions, Explanation, Neighbours, Path, Saliency
from mlpviz.backend.questions import Explain, Look
from mlpviz.figures.chart import number
from mlpviz.figures.evaluation import contribution_bars, story
from mlpviz.figures.update import logit_bars, probability_bars
from mlpviz.images.predictions import softmax
from mlpviz.page import memory
from mlpviz.page.door import answer
from mlpviz.page.guard import safely
from mlpviz.page.plot import diverging, figure_html, grey, picture, plot
from mlpviz.results import Results
from mlpviz.state import RunState

#: The tabs, and which question each one asks.
TABS = {
    "Prediction": Look.PREDICTION,
    "History": Look.PREDICTION,
    "Saliency": Look.SALIENCY,
    "Contributions": Look.CONTRIBUTIONS,
    "Neighbours": Look.NEIGHBOURS,
    "Flip the prediction": Look.FLIP,
}
MOST_PARTS = 8  # of an image's history in words
ABOUT_A_CLASS = (Look.SALIENCY, Look.CONTRIBUTIONS)


def show_image(run: RunState, results: Results) -> None:
    """Draw the dialog with the image that the reader has opened, if there is one."""
    index = memory.OPEN_IMAGE.get()
    if index is None or index >= len(results.labels):
        return
    dialog = st.dialog(f"Image {index:,}", width="large", on_dismiss=safely(memory.OPEN_IMAGE.forget))
    dialog(_content)(run, results, index)


def _content(run: RunState, results: Results, index: int) -> None:
    classes, label = run.classes, int(results.labels[index])
    left, right = st.columns([2, 5], gap="medium")
    with right:
        tab = str(st.segmented_control("Look at", list(TABS), default="Prediction", required=True, key="image_tab"))
        target = st.session_state.get(memory.IMAGE_CLASS) if TABS[tab] in ABOUT_A_CLASS else None
        said = answer(run, Explain(index, TABS[tab], target), "Comparing with all training images…")
    with left:
        picture(said.pixels, f"Test image {index}: {classes[label]}")
        seen = "predicted correctly" if said.best == label else f"predicted as **{classes[said.best]}**"
        st.markdown(f"**{classes[label]}**, {seen}")
        st.caption(f"Weights after step {said.step:,}. The test was at step {results.step:,}.")
    with right:
        if TABS[tab] in ABOUT_A_CLASS:
            _pick_class(classes, said.target)
        if tab == "History":
            _story(results, index, classes)
        else:
            _look(said, label, classes)


def _look(said: Explanation, label: int, classes: tuple[str, ...]) -> None:
    match said.look:
        case Saliency():
            _saliency(said, said.look)
        case Contributions():
            _units(said, said.look, classes)
        case Neighbours():
            _neighbours(said.look, classes)
        case Path():
            _flip(said.look, label, classes)
        case None:
            plot(probability_bars(said.logits, label, classes), key="image_probabilities", height=250)
            plot(logit_bars(said.logits, label, classes), key="image_logits", height=250)


def _pick_class(classes: tuple[str, ...], target: int) -> None:
    st.session_state[memory.IMAGE_CLASS] = target
    st.selectbox("Class", range(len(classes)), format_func=classes.__getitem__, key=memory.IMAGE_CLASS)


def _story(results: Results, index: int, classes: tuple[str, ...]) -> None:
    steps = np.array([past.step for past in results.past])
    predicted = np.array([past.predicted[index] for past in results.past])
    p = np.array([past.true_probability[index] for past in results.past], dtype=np.float64)
    plot(story(steps, p, [classes[c] for c in predicted]), key="story", height=300)
    st.markdown(in_words(steps, predicted == results.labels[index]))
    if results.evaluations > len(results.past):
        st.caption(
            f"{len(results.past)} of {results.evaluations:,} evaluations are kept. Some older ones were removed."
        )


def in_words(steps: np.ndarray, right: np.ndarray) -> str:
    """Which tests were right: "Wrong in 1 test (step 0), right in 3 tests (steps 10 to 30)."; of many changes the
    latest."""
    ends = [*np.flatnonzero(right[1:] != right[:-1]) + 1, len(right)]
    parts = []
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        count, first, last = end - begin, f"{steps[begin]:,}", f"{steps[end - 1]:,}"
        tests = "1 test" if count == 1 else f"all {count} tests" if count == len(right) else f"{count} tests"
        when = f"step {first}" if count == 1 else f"steps {first} to {last}"
        parts.append(f"{'right' if right[begin] else 'wrong'} in {tests} ({when})")
    text = ", ".join(parts[-MOST_PARTS:]) + "."
    return f"{text[0].upper()}{text[1:]}" if len(parts) <= MOST_PARTS else f"The latest changes: {text}"


def _saliency(said: Explanation, saliency: Saliency) -> None:
    values = saliency.values
    left, right = st.columns(2)
    with left:
        picture(diverging(values), "Saliency, a value for each pixel", "∂z/∂x: red raises the logit, blue lowers it")
    with right:
        product = values * said.pixels / 255
        picture(diverging(product), "Input times gradient", "input × gradient: 0 at black pixels")
    st.caption(
        "Saliency: how the logit changes if one pixel becomes a little brighter and all others stay the same. "
        "It does not say what the network “looked at”, or what happens if a whole region is removed."
    )


def _units(said: Explanation, contributions: Contributions, classes: tuple[str, ...]) -> None:
    for_it, against = contributions.strongest()
    units = np.concatenate([for_it, against])
    shown = contributions.values[units]
    rest = float(contributions.values.sum() - shown.sum())
    pixels = len(contributions.values) == said.pixels.size  # without a hidden layer
    names = [f"pixel {divmod(int(unit), 28)}" if pixels else f"unit {unit}" for unit in units]
    bars = contribution_bars(names, shown, rest, contributions.bias, contributions.logit)
    plot(bars, key="contributions", height=320)
    if len(contributions.weights):
        figures = [
            figure_html(
                diverging(contributions.weights[unit].reshape(28, 28)),
                f"Incoming weights of unit {unit}",
                f"unit {unit}: {number(float(contributions.values[unit]))}",
            )
            for unit in units
        ]
        st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
        st.caption(
            "The incoming weights of these units. First the units that raise the logit of "
            f"{classes[said.target]}, then those that lower it."
        )


def _neighbours(nearest: Neighbours, classes: tuple[str, ...]) -> None:
    rows = zip(nearest.indices[0], nearest.labels[0], nearest.distances[0], nearest.images[0], strict=True)
    figures = [
        figure_html(image, f"Training image {i}, {classes[label]}", f"{classes[label]}, {number(float(distance))}")
        for i, label, distance, image in rows
    ]
    st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
    st.caption(
        "The training images that are nearest in the last hidden layer, with labels and distances. Without a hidden "
        "layer, the pixels are compared."
    )


def _flip(path: Path, label: int, classes: tuple[str, ...]) -> None:
    if not path.gradient:
        st.markdown("The gradient is exactly 0 here, so it gives no direction.")
    elif path.flip is None:
        st.markdown(
            f"No step that was tried along the gradient, up to ε = {path.epsilons[-1]:g}, changes the prediction."
        )
    else:
        st.markdown(
            f"A step of **ε = {path.flip:.3g}** along the gradient, towards {classes[path.towards]}, changes the "
            f"prediction. Pixels stay between black and white, so the image itself moved by {path.moved:.3g}. "
            "For comparison: from a black to a white image the distance is 28."
        )
    epsilon = st.slider("ε", 0.0, float(path.epsilons[-1]), 0.0, step=0.1, key="epsilon")
    at = int(np.abs(path.epsilons - epsilon).argmin())
    left, right = st.columns([2, 3])
    with left:
        picture(grey(path.images[at]), f"The image moved by {epsilon:g}", f"ε = {epsilon:g}")
    with right:
        p = softmax(path.logits[at])
        plot(probability_bars(path.logits[at], label, classes), key="flip_probabilities", height=250)
        st.caption(f"Predicted as {classes[int(p.argmax())]}.")
