"""One image: what the network says of it, since when, and why."""

from __future__ import annotations

import numpy as np
import streamlit as st
from torch import Tensor, nn

from mlpviz.explain import along_gradient, contributions, logits, neighbours, saliency
from mlpviz.figures.chart import number
from mlpviz.figures.test_set import contribution_bars, story
from mlpviz.figures.update import logit_bars, probability_bars
from mlpviz.network import linears
from mlpviz.page.answers import frozen
from mlpviz.page.plot import diverging, figure_html, grey, picture, plot
from mlpviz.predictions import softmax
from mlpviz.run import Run
from mlpviz.snapshot import Results
from mlpviz.trainer import pixels

TABS = ("Prediction", "Story", "Saliency", "Contributions", "Neighbours", "Flip it")


def show_image(run: Run, results: Results) -> None:
    """The dialog of the image that the reader opened, for as long as it is open."""
    index = st.session_state.get("open_image")
    if index is None or index >= len(results.labels):
        return
    st.dialog(f"Image {index:,}", width="large", on_dismiss=_close)(_content)(run, results, index)


def _close() -> None:
    st.session_state.open_image = None


def _content(run: Run, results: Results, index: int) -> None:
    step, net = frozen(run)
    dataset = run.trainer.dataset
    x = pixels(dataset.test_images[index].cpu())
    label = int(results.labels[index])
    z = logits(net, x)
    best = int(np.nan_to_num(z, nan=-np.inf).argmax())
    classes = dataset.classes
    left, right = st.columns([2, 5], gap="medium")
    with left:
        picture(grey(x.numpy()), f"Test image {index}: {classes[label]}")
        st.markdown(f"**{classes[label]}**, " + ("rightly seen" if best == label else f"taken for **{classes[best]}**"))
        st.caption(f"With the weights after step {step:,}; the gallery shows step {results.step:,}.")
    with right:
        tab = st.segmented_control("Look at", TABS, default="Prediction", required=True, key="image_tab")
        match tab:
            case "Prediction":
                plot(probability_bars(z, label, classes), key="image_probabilities", height=250)
                plot(logit_bars(z, label, classes), key="image_logits", height=250)
            case "Story":
                _story(results, index, classes)
            case "Saliency":
                _saliency(net, x, _pick_class(classes, best))
            case "Contributions":
                _units(net, x, _pick_class(classes, best), classes)
            case "Neighbours":
                _neighbours(run, net, x)
            case "Flip it":
                _flip(net, x, label, classes)


def _pick_class(classes: tuple[str, ...], best: int) -> int:
    state = st.session_state
    state.image_class = state.get("image_class", best)
    return int(st.selectbox("Class", range(len(classes)), format_func=classes.__getitem__, key="image_class"))


def _story(results: Results, index: int, classes: tuple[str, ...]) -> None:
    steps = np.array([past.step for past in results.past])
    predicted = np.array([past.predicted[index] for past in results.past])
    p = np.array([past.true_probability[index] for past in results.past], dtype=np.float64)
    plot(story(steps, p, [classes[c] for c in predicted]), key="story", height=300)
    st.markdown(in_words(steps, predicted == results.labels[index]))
    if results.evaluations > len(results.past):
        st.caption(f"{len(results.past)} of {results.evaluations:,} evaluations are kept; older ones were thinned out.")


def in_words(steps: np.ndarray, right: np.ndarray) -> str:
    """When the image was learnt and when forgotten: "Right at step 0; forgotten at step 40; learnt at step 80."."""
    parts = [f"{'Right' if right[0] else 'Wrong'} at step {steps[0]:,}"]
    turns = np.flatnonzero(right[1:] != right[:-1]) + 1
    parts += [f"{'learnt' if right[i] else 'forgotten'} by step {steps[i]:,}" for i in turns[-12:]]
    return "; ".join(parts) + "."


def _saliency(net: nn.Sequential, x: Tensor, c: int) -> None:
    values = saliency(net, x, c)
    left, right = st.columns(2)
    with left:
        picture(diverging(values), "Saliency, a value for each pixel", "∂z/∂x: red raises the logit, blue lowers it")
    with right:
        product = values * x.numpy()
        picture(diverging(product), "Input times gradient", "input × gradient: of the pixels that are bright")
    st.caption(
        "How the logit would change if a pixel became a little brighter, here, all others as they are. It does not "
        "say what the network “looked at”, nor what would happen if a whole region were gone."
    )


def _units(net: nn.Sequential, x: Tensor, c: int, classes: tuple[str, ...]) -> None:
    found = contributions(net, x, c)
    for_it, against = found.strongest()
    units = np.concatenate([for_it, against])
    shown = found.values[units]
    rest = float(found.values.sum() - shown.sum())
    layers = linears(net)
    names = [f"unit {unit}" if len(layers) > 1 else f"pixel {divmod(int(unit), 28)}" for unit in units]
    plot(contribution_bars(names, shown, rest, found.bias, found.logit), key="contributions", height=320)
    if len(layers) == 2:
        weights = layers[0].weight.detach().numpy()
        figures = [
            figure_html(
                diverging(weights[unit].reshape(28, 28)),
                f"Incoming weights of unit {unit}",
                f"unit {unit}: {number(float(found.values[unit]))}",
            )
            for unit in units
        ]
        st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
        st.caption(f"What those units answer to: first those for {classes[c]}, then those against it.")


def _neighbours(run: Run, net: nn.Sequential, x: Tensor) -> None:
    dataset, size = run.trainer.dataset, run.trainer.train_size
    with st.spinner("Comparing with all training images…", show_time=False):
        found = neighbours(
            net,
            x[None],
            dataset.train_images[:size].cpu(),
            dataset.train_labels[:size].cpu(),
        )
    figures = [
        figure_html(
            dataset.train_images[int(i)].cpu().numpy(),
            f"Training image {i}, {dataset.classes[label]}",
            f"{dataset.classes[label]}, {number(float(distance))}",
        )
        for i, label, distance in zip(found.indices[0], found.labels[0], found.distances[0], strict=True)
    ]
    st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
    st.caption("The training images nearest in the last hidden layer, with their labels and their distances.")


def _flip(net: nn.Sequential, x: Tensor, label: int, classes: tuple[str, ...]) -> None:
    path = along_gradient(net, x)
    if not path.gradient:
        st.markdown("The gradient is exactly 0 here: it shows no way.")
    elif path.flip is None:
        st.markdown(f"No step of up to {path.epsilons[-1]:g} along the gradient changes the prediction.")
    else:
        st.markdown(
            f"A step of **ε = {path.flip:.3g}** along the gradient, towards {classes[path.towards]}, changes the "
            f"prediction. Cut off at black and white, the image moved by {path.moved:.3g}; a white image is 28 long."
        )
    epsilon = st.slider("ε", 0.0, float(path.epsilons[-1]), 0.0, step=0.1, key="epsilon")
    at = int(np.abs(path.epsilons - epsilon).argmin())
    left, right = st.columns([2, 3])
    with left:
        picture(grey(path.images[at]), f"The image moved by {epsilon:g}", f"ε = {epsilon:g}")
    with right:
        p = softmax(path.logits[at])
        plot(probability_bars(path.logits[at], label, classes), key="flip_probabilities", height=250)
        st.caption(f"Taken for {classes[int(p.argmax())]}.")
