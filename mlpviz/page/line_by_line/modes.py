"""Asides: the lines around the update."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mlpviz.line_by_line.modes import EvaluationModes, device_error, evaluation_modes
from mlpviz.network import linears
from mlpviz.page.answers import answer
from mlpviz.predictions import softmax
from mlpviz.run import Run


def device(run: Run) -> None:
    st.markdown(
        f"This run’s device is **{run.trainer.device.type}**: the network’s parameters and every mini-batch are there."
    )
    other, words = answer(run, lambda run: device_error(run.trainer))
    st.markdown(f"A mini-batch on *{other}* instead, and PyTorch says:")
    st.code(words, language=None, wrap_lines=True)


def network(run: Run) -> None:
    rows = [
        {
            "layer": f"Linear {i}",
            "W": f"{linear.out_features} × {linear.in_features}",
            "b": str(linear.out_features),
            "parameters": f"{linear.weight.numel() + linear.bias.numel():,}",
        }
        for i, linear in enumerate(linears(run.trainer.net), 1)
    ]
    total = sum(parameter.numel() for parameter in run.trainer.net.parameters())
    st.dataframe(rows, hide_index=True, width=520)
    st.caption(f"{total:,} parameters in all.")


def data(run: Run) -> None:
    dataset = run.trainer.dataset
    st.markdown(
        f"**{dataset.title}**: {run.trainer.train_size:,} training and {len(dataset.test_images):,} test images, "
        f"of {', '.join(dataset.classes)}. With mini-batches of {run.settings.batch_size:,}, an epoch has "
        f"{run.trainer.steps_per_epoch:,} updates."
    )


def evaluation(run: Run) -> None:
    key, state = (run.id, run.step), st.session_state
    if state.get("modes_of") != key:
        state.modes_of, state.modes = key, answer(run, lambda run: evaluation_modes(run.trainer))
    modes: EvaluationModes = state.modes
    st.dataframe(
        [
            {
                "forward pass": name,
                "time": f"{1e3 * seconds:.2f} ms",
                "kept for a backward pass": f"{kept / 1e6:.2f} MB",
            }
            for name, seconds, kept in (
                ("as in training", modes.seconds, modes.kept_bytes),
                ("under no_grad", modes.seconds_no_grad, modes.kept_bytes_no_grad),
            )
        ],
        hide_index=True,
        width=560,
    )
    st.caption(f"Measured here just now, on {modes.images:,} test images; the time is a median of three.")
    if modes.same_logits:
        st.markdown(
            "After `train()` and after `eval()`, the logits have the same bits: this network has no layer that cares."
        )


def predictions(run: Run) -> None:
    classes = run.trainer.dataset.classes
    results = run.results
    if results is None:
        st.info("The first evaluation is under way.")
        return
    logits, labels = results.logits, results.labels
    p = softmax(logits)
    by_logit, by_probability = logits.argmax(axis=1), p.argmax(axis=1)
    st.dataframe(
        [
            {
                "test image": i + 1,
                "true": classes[labels[i]],
                "argmax z": f"{classes[by_logit[i]]} ({logits[i].max():.3g})",
                "argmax softmax(z)": f"{classes[by_probability[i]]} ({100 * p[i].max():.1f} %)",
            }
            for i in range(8)
        ],
        hide_index=True,
    )
    right, likewise = int((by_logit == labels).sum()), int((by_probability == labels).sum())
    st.markdown(
        f"Right on the whole test set after step {results.step:,}, by the logits: **{right:,}** of {len(labels):,} "
        f"({100 * right / len(labels):.2f} %); by the probabilities: **{likewise:,}**."
    )


def _nothing(run: Run) -> None:
    pass


#: What to show beside the lines around the update, by their keys.
ASIDES: dict[str, Callable[[Run], None]] = {
    "device": device,
    "seed": _nothing,
    "data": data,
    "net": network,
    "init": _nothing,
    "loss_fn": _nothing,
    "optimizer": _nothing,
    "epoch": _nothing,
    "eval": evaluation,
    "test": predictions,
}
