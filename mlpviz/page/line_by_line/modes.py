"""What is shown beside the lines around the update."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import streamlit as st

from mlpviz.backend.questions import CompareModes, OtherDevice
from mlpviz.images.predictions import softmax
from mlpviz.page.door import answer, results_of
from mlpviz.page.memory import computed
from mlpviz.state import RunState


def device(run: RunState) -> None:
    st.markdown(f"This run’s device is **{run.device}**: its memory holds the parameters and every mini-batch.")
    other, words = answer(run, OtherDevice())
    st.markdown(f"If a mini-batch is on another device (*{other}*), PyTorch says:")
    st.code(words, language=None, wrap_lines=True)


def network(run: RunState) -> None:
    rows = [
        {
            "layer": f"Linear {i}",
            "W": f"{outputs} × {inputs}",
            "b": str(outputs),
            "parameters": f"{(inputs + 1) * outputs:,}",
        }
        for i, (inputs, outputs) in enumerate(pairwise(run.layers), 1)
    ]
    st.dataframe(rows, hide_index=True, width=520)
    st.caption(f"{run.settings.parameters:,} parameters in all.")


def data(run: RunState) -> None:
    st.markdown(
        f"**{run.dataset}**: {run.train_size:,} training and {run.test_size:,} test images. "
        f"Classes: {', '.join(run.classes)}. With mini-batches of {run.settings.batch_size:,}, an epoch has "
        f"{run.steps_per_epoch:,} updates."
    )


def evaluation(run: RunState) -> None:
    modes = computed("modes", (run.id, run.step), lambda: answer(run, CompareModes()))
    st.dataframe(
        [
            {
                "forward pass": name,
                "time": f"{1e3 * seconds:.2f} ms",
                "kept for the backward pass": f"{kept / 1e6:.2f} MB",
            }
            for name, seconds, kept in (
                ("as in training", modes.seconds, modes.kept_bytes),
                ("with no_grad", modes.seconds_no_grad, modes.kept_bytes_no_grad),
            )
        ],
        hide_index=True,
        width=560,
    )
    st.caption(f"Measured on this machine, on {modes.images:,} test images. Each time is the median of three passes.")
    if modes.same_logits:
        st.markdown(
            "The logits after `train()` and after `eval()` have the same bits: no layer here depends on the mode."
        )


def predictions(run: RunState) -> None:
    classes, results = run.classes, results_of(run)
    if results is None:
        st.info("The first evaluation is not finished yet.")
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
        f"Correct on the whole test set after step {results.step:,}, by the logits: **{right:,}** of {len(labels):,} "
        f"({100 * right / len(labels):.2f} %); by the probabilities: **{likewise:,}**."
    )


def _nothing(run: RunState) -> None:
    pass


#: What to show beside each line around the update, by its key.
ASIDES: dict[str, Callable[[RunState], None]] = {
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
