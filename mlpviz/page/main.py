"""The page, from top to bottom."""

import streamlit as st

from mlpviz.page.board import Action, board
from mlpviz.page.classroom.panel import class_panel
from mlpviz.page.classroom.student import attend, class_of_student, join_page, joining, settle
from mlpviz.page.classroom.teacher import own_settings, teach
from mlpviz.page.classroom.view import class_view
from mlpviz.page.door import say_notes, say_trouble
from mlpviz.page.examples import fit_examples
from mlpviz.page.five_lines import five_lines
from mlpviz.page.frame import frame, title
from mlpviz.page.guard import attempt, part
from mlpviz.page.images.filters import current_filter
from mlpviz.page.images.view import images, opened_image
from mlpviz.page.keys import choose_keys
from mlpviz.page.lessons import lesson_panel
from mlpviz.page.line_by_line.update import forget_walk
from mlpviz.page.line_by_line.view import line_by_line
from mlpviz.page.map.actions import forget_part
from mlpviz.page.map.view import settings_map
from mlpviz.page.overlays import overlays, pin_tools
from mlpviz.page.pins import pin_problem
from mlpviz.page.player import player
from mlpviz.page.present import present_button, present_style
from mlpviz.page.remembered import recall, remember, say_back
from mlpviz.page.rewind import say_branched
from mlpviz.page.runs.view import saved_runs
from mlpviz.page.share import share, watch
from mlpviz.page.sidebar import sidebar
from mlpviz.page.speed import fit_speed
from mlpviz.page.stability.view import stability
from mlpviz.page.stability.what_happened import actions_after_alarm
from mlpviz.page.turns import turn
from mlpviz.page.views import CLASS, LINE_BY_LINE, MAP, RUNS, STABILITY, TEST_IMAGES, WATCH, choose_view
from mlpviz.page.visit import current_run, wait_for_run, write_address


def main() -> None:
    frame()
    present_style()
    token = st.query_params.get("watch")
    if token:
        with st.container(key="head", horizontal=True, vertical_alignment="center", gap="small"):
            title()
            present_button()
        watch(token)
        return
    teach()
    if joining():
        join_page()
        return
    attend()
    current_filter()  # reads the address; the sidebar shows what is wrong in it
    with st.sidebar:
        part(class_of_student)
        part(own_settings)
        settings = sidebar()
    head = st.container(key="head", horizontal=True, vertical_alignment="center", gap="small")
    with head:
        title()
    wait_for_run()
    messages = st.container(key="messages")
    with messages:
        say_trouble()
        run = fit_speed(current_run(settings))
        settle(run)
        recall(run)
        run = attempt(fit_examples, run, run)
        say_branched(run)
        say_back(run)
        pin_problem()
        say_notes()
    with head:
        view = choose_view()
        if view != CLASS:
            player(run)
        present_button()
    if view != LINE_BY_LINE:
        forget_walk()
    if view != MAP:
        forget_part()
    if view == LINE_BY_LINE:
        part(line_by_line, run)
    elif view == TEST_IMAGES:
        part(images, run)
    elif view == MAP:
        part(settings_map, run, settings)
    elif view == CLASS:
        part(class_view, run, settings)
    elif view == RUNS:
        part(saved_runs, run)
    elif view == STABILITY:
        part(lesson_panel, run)
        part(stability, run)
    else:
        part(lesson_panel, run)
        nothing: list[Action] = []
        actions, tools = attempt(actions_after_alarm, run, nothing), attempt(pin_tools, run, nothing)
        board(run, overlays=overlays(run), actions=actions, tools=tools)
        part(five_lines)
    if view in (WATCH, STABILITY):
        part(opened_image, run)
    with st.sidebar:
        part(share, run, settings)
        part(class_panel)
        choose_keys()
    write_address(run, settings)
    remember(run)


with turn():
    part(main)
