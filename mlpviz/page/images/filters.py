"""The filter of the gallery: its widgets and its part of the address."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlpviz.images.gallery import KINDS, ORDERS, PER_PAGE, Filter
from mlpviz.page import memory
from mlpviz.page.guard import safely
from mlpviz.page.views import TEST_IMAGES

ANY = -1


def current_filter() -> Filter:
    """The filter that the reader has set. At first, the one from the address."""
    if memory.FILTER.get() is None:
        try:
            memory.FILTER.set(Filter.from_params(st.query_params.to_dict()))
        except ValueError:
            memory.PROBLEM.set(
                "The filter for test images in the address is not valid. The page shows all mistakes instead."
            )
            memory.FILTER.set(Filter())
    wanted: Filter = memory.FILTER.get()
    return wanted


def narrow(**changes: Any) -> None:
    """Set a new filter. Keep only the order and the number per page."""
    like = {name: getattr(current_filter(), name) for name in ("order", "order_seed", "per_page")}
    memory.FILTER.set(Filter(**like, **changes))


def bring_gallery() -> None:
    """Scroll to the gallery when the page is drawn next: the reader has asked for something in it, further up."""
    memory.BRINGS.set(memory.BRINGS.get() + 1)


def selection_round() -> int:
    """A part of the keys of the widgets that set the filter by a click.

    It changes when the filter is cleared, so that nothing stays selected.
    """
    return memory.SELECTION_ROUND.get()


def filter_params() -> dict[str, str]:
    """The filter as parameters of the address; empty in the other views."""
    wanted = current_filter()  # read it even before there is a gallery, so that it is not lost
    return wanted.to_params() if st.session_state.get(memory.VIEW) == TEST_IMAGES else {}


def filter_widgets(classes: tuple[str, ...]) -> Filter:
    """Draw the widgets of the filter."""
    wanted = current_filter()
    state = st.session_state
    values = {
        "kind": wanted.kind,
        "true": ANY if wanted.true is None else wanted.true,
        "predicted": ANY if wanted.predicted is None else wanted.predicted,
        "range": (round(100 * wanted.low), round(100 * wanted.high)),
        "changed": wanted.changed,
        "index": wanted.index,
        "order": wanted.order,
        "order_seed": wanted.order_seed,
        "per_page": wanted.per_page,
    }
    for name, value in values.items():
        state[f"filter_{name}"] = value
    options = [ANY, *range(len(classes))]

    def spell(value: int) -> str:
        return "any class" if value == ANY else classes[value]

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Show",
            list(KINDS),
            format_func=KINDS.__getitem__,
            required=True,
            key="filter_kind",
            on_change=safely(_read),
        )
        st.selectbox("True class", options, format_func=spell, key="filter_true", on_change=safely(_read), width=150)
        st.selectbox(
            "Predicted class", options, format_func=spell, key="filter_predicted", on_change=safely(_read), width=150
        )
        st.slider("Confidence", 0, 100, format="%d %%", key="filter_range", on_change=safely(_read), width=180)
        st.selectbox(
            "Order",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key="filter_order",
            on_change=safely(_read),
            width=235,
        )
        if wanted.order == "random":
            st.number_input("Order seed", 0, 10**6, key="filter_order_seed", on_change=safely(_read), width=120)
        st.selectbox("Per page", PER_PAGE, key="filter_per_page", on_change=safely(_read), width=100)
        st.number_input(
            "Image number", 0, key="filter_index", placeholder="any", on_change=safely(_read), width=165, value=None
        )
        st.toggle("Changed since the previous evaluation", key="filter_changed", on_change=safely(_read))
        st.button("Clear the filter", on_click=safely(_clear), disabled=wanted == Filter())
    return wanted


def pager(count: int, wanted: Filter, classes: tuple[str, ...]) -> None:
    """Say what was found; draw the page number and the buttons to turn the page."""
    last = max(1, -(-count // wanted.per_page))
    page = min(wanted.page, last)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{count:,}** image{'s' if count != 1 else ''}{_of(wanted, classes)}; page {page:,} of {last:,}")
        st.button("Previous page", disabled=page == 1, on_click=safely(_turn), args=(page - 1,))
        st.button("Next page", disabled=page == last, on_click=safely(_turn), args=(page + 1,))


def _of(wanted: Filter, classes: tuple[str, ...]) -> str:
    """Which classes were asked for, in words."""
    true = "" if wanted.true is None else f" of {classes[wanted.true]}"
    return true + ("" if wanted.predicted is None else f", predicted as {classes[wanted.predicted]}")


def _turn(page: int) -> None:
    memory.FILTER.set(current_filter().replace(page=page))


def _clear() -> None:
    memory.FILTER.set(Filter())
    memory.SELECTION_ROUND.set(selection_round() + 1)
    memory.ROW_BEFORE.forget()


def _read() -> None:
    state = st.session_state
    low, high = state.filter_range
    wanted = Filter(
        kind=state.filter_kind,
        true=None if state.filter_true == ANY else state.filter_true,
        predicted=None if state.filter_predicted == ANY else state.filter_predicted,
        low=low / 100,
        high=high / 100,
        changed=state.filter_changed,
        index=state.filter_index,
        order=state.filter_order,
        order_seed=state.get("filter_order_seed", 0),
        per_page=state.filter_per_page,
    )
    memory.FILTER.set(wanted)
