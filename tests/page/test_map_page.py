"""The view “Map” in Streamlit's own test harness."""

import threading

import pytest

from mlpviz import Trainer, load_dataset
from mlpviz.backend.commands import OneStep
from mlpviz.grid import read_axis
from mlpviz.page import door
from mlpviz.page.map import actions
from mlpviz.page.map.view import _csv
from mlpviz.snapshot import MapSnapshot
from mlpviz.state import RunState
from tests.page.driver import VISITOR, at_rest, button, callbacks, labels, page, press, run_of, texts
from tests.waiting import until

SMALL = {"hidden_sizes": "16", "batch_size": "100"}


def view(**params):
    app = page(view="map", **(SMALL | params))
    assert not app.exception
    return app


def map_of(app):
    """The map that the page shows, as it knows it."""
    assert not app.exception
    state = door.find(app.session_state.maps[-1])
    assert state is not None
    return state


def fill(app, **values):
    """Write into the fields of the axes. Their keys say which axis they are of."""
    for name, value in values.items():
        key = f"map_across_{name}" if "batch" in name else f"map_up_{name}" if "rate" in name else f"map_{name}"
        (app.number_input if isinstance(value, int) else app.text_input)(key=key).set_value(value)
    return app.run()


def small_map(rates=2, **params):
    """A map of two batch sizes with 200 steps each, trained."""
    app = view(**params)
    fill(app, from_batch_size="50", to_batch_size="100", count_batch_size=2)
    fill(app, from_learning_rate="0.1", to_learning_rate="1", count_learning_rate=rates, steps=200)
    press(app, "Train the map")
    return app, whole(app)


def whole(app):
    state = map_of(app)
    until(lambda: door.look(state.token).status == "finished", 60)
    until(lambda: door.task_snapshot(state).status == "finished")
    app.run()
    assert not app.exception
    return state


def choose(app, state, column, row):
    with callbacks(app):
        actions.choose(state, column, row)
    app.run()
    assert not app.exception


def test_a_first_map_is_one_click_away():
    app = view()
    assert "54 runs of 300 steps: 16,200 steps." in texts(app) and "Which settings learn fast" in texts(app)
    press(app, "Train the map")
    state = map_of(app)
    grid = actions.grid_of(state)
    assert [axis.name for axis in grid.axes] == ["batch_size", "learning_rate"] and len(grid) == 54
    assert grid.settings.hidden_sizes == (16,), "the other settings are those of the sidebar"
    assert app.query_params["map"] == state.id and "Pause the map" in labels(app)
    press(app, "Pause the map")
    until(lambda: door.find(state.id).status == "paused")
    app.run()
    press(app, "Go on")
    assert door.find(state.id).status == "training"


def test_a_click_shows_a_run_and_opens_it_to_the_bit():
    app, state = small_map()
    before = run_of(app).id
    choose(app, state, 1, 0)
    assert "Batch size 100, learning rate 0.1" in texts(app)
    cell = door.task_snapshot(state).cells[1, 0]
    oracle = Trainer(cell.settings, load_dataset("fashion-mnist-mini"))
    oracle.train(200)
    assert cell.test_loss == oracle.evaluate().loss
    press(app, "Open as my run")
    run = run_of(app)
    assert run.id != before and app.session_state.view == "Watch"
    at_rest(run, 200)
    assert run.settings == cell.settings.replace(epochs=10)
    assert app.session_state.learning_rate == 0.1 and app.session_state.batch_size == 100
    until(lambda: door.task_snapshot(door.find_run(run.id)).step == 200)
    again = Trainer(cell.settings, load_dataset("fashion-mnist-mini")).train(200)
    assert door.task_snapshot(door.find_run(run.id)).steps.column("loss").tolist() == again.tolist()


def test_a_run_that_needs_more_epochs_gets_them():
    app, state = small_map(epochs="1", train_size="400")
    choose(app, state, 1, 1)
    press(app, "Open as my run")
    at_rest(run_of(app), 200)
    assert run_of(app).settings.epochs == 50, "four steps an epoch"


def test_a_closer_look_and_the_way_back():
    app, state = small_map(rates=3)
    assert "Train this part finer" not in labels(app)
    with callbacks(app):
        actions.choose_part(state, -0.5, 0.3, 1.2, 1.9)
    app.run()
    press(app, "Train this part finer")
    inner = actions.grid_of(map_of(app))
    assert inner.x.values == (50, 100) and inner.y.values == (0.3162, 0.5623, 1.0), "as many values in a smaller part"
    assert door.find(map_of(app).id).status == "training"
    press(app, "Back to the wider map")
    assert map_of(app).id == state.id


def test_a_part_is_what_is_in_sight():
    app, state = small_map(rates=4)
    with callbacks(app):
        for corners, expected in (
            ((-0.5, 1.5, -0.5, 3.5), None),
            ((0.6, 1.4, 0.7, 0.9), (state.id, (0, 1), (0, 1))),
            ((0.0, 0.0, 1.0, 1.4), (state.id, (0, 0), (1, 2))),
            ((1.4, 0.2, 3.4, 1.6), (state.id, (0, 1), (1, 3))),
            ((), None),
        ):
            actions.choose_part(state, *corners)
            assert app.session_state.map_part == expected, corners


def test_a_part_and_a_cell_can_be_chosen_at_once():
    app, state = small_map(rates=3)
    choose(app, state, 0, 0)
    with callbacks(app):
        actions.choose_part(state, -0.5, 1.5, 1.2, 1.9)
    app.run()
    assert not app.exception and {"Train this part finer", "Train around this cell"} <= set(labels(app))
    press(app, "How to read the map")
    assert app.session_state.map_place is None and "How to read it" in texts(app)
    app.session_state.view = "Watch"
    app.run()
    assert app.session_state.map_part is None, "it is drawn whole again"


def test_a_second_click_on_the_same_button_does_nothing():
    app, state = small_map(rates=3)
    grid = actions.grid_of(state)
    with callbacks(app):
        actions.begin(grid.part((0, 1), (1, 2)), state.id, inside=True)
        actions.begin(grid.part((0, 1), (1, 2)), state.id, inside=True)
        assert len(app.session_state.maps) == 2
        actions.close()
        actions.begin(grid.part((0, 1), (1, 2)), state.id, inside=True)
    assert app.session_state.maps == []


def test_a_map_can_not_be_told_what_is_for_runs():
    _, state = small_map()
    with pytest.raises(LookupError, match="no run"):
        door.get_backend().tell(state.id, VISITOR, OneStep()).result(10)
    assert door.find(state.id).status == "finished", "it is still there"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"from_learning_rate": "2.56"}, "Learning rate: give two different numbers"),
        ({"from_learning_rate": "abc"}, "learning_rate is 'abc'"),
        ({"to_learning_rate": "1000"}, "learning_rate is 1000"),
        ({"from_learning_rate": ""}, "learning_rate is ''"),
        ({"to_batch_size": "99999999"}, "batch_size is"),
    ],
)
def test_a_mistake_in_a_field_says_what_to_do(values, said):
    app = fill(view(), **values)
    assert not app.exception and said in " ".join(each.value for each in app.error)
    assert "Train the map" not in labels(app)
    first = {"from_learning_rate": "0.01", "to_learning_rate": "2.56", "to_batch_size": "512"}
    fill(app, **{name: first[name] for name in values})
    assert "Train the map" in labels(app), "it can be put right"


def test_what_does_not_fit_the_dataset_is_said_after_the_click():
    app = fill(view(), to_batch_size="20000")
    press(app, "Train the map")
    assert "batch_size is 20,000" in " ".join(each.value for each in app.error) and not app.session_state.maps


def test_any_two_settings_can_be_the_axes():
    app = view()
    pairs = (("activation", "hidden_sizes"), ("optimizer", "init"), ("momentum", "seed"), ("train_size", "init_std"))
    for across, up in pairs:
        app.selectbox(key="map_across").set_value(across)
        app.selectbox(key="map_up").set_value(up)
        app.run()
        assert not app.exception and not app.error and "Train the map" in labels(app)


def test_the_same_setting_twice_says_so():
    app = view()
    app.selectbox(key="map_across").set_value("learning_rate").run()
    assert not app.exception and "Both axes are learning rate" in " ".join(each.value for each in app.error)


def test_a_lesson_that_holds_a_setting_does_not_let_a_map_change_it():
    app, state = small_map(lock="learning_rate", learning_rate="0.1")
    choose(app, state, 0, 1)
    assert button(app, "Open as my run").disabled
    choose(app, state, 0, 0)
    assert not button(app, "Open as my run").disabled


def test_the_map_of_an_address_is_shown_to_its_visitor_only(monkeypatch):
    app, state = small_map()
    again = view(map=state.id)
    assert again.session_state.maps == [state.id] and again.query_params["map"] == state.id
    choose(again, state, 0, 0)
    monkeypatch.setattr(door, "visitor", lambda: "grace")
    other = view(map=state.id)
    assert not other.session_state.maps and "map" not in other.query_params and "Train the map" in labels(other)
    monkeypatch.setattr(door, "visitor", lambda: VISITOR)
    for nonsense in ("<script>", run_of(app).id):
        assert "it belongs to another visitor" in " ".join(each.value for each in view(map=nonsense).info)


def test_closing_puts_it_away():
    app, state = small_map()
    press(app, "Close")
    assert not app.session_state.maps and "Which settings learn fast" in texts(app) and "map" not in app.query_params
    until(lambda: door.find(state.id) is None)  # nothing is saved here
    app.run()
    assert not app.session_state.maps


def test_the_table_has_a_row_for_each_run():
    app, state = small_map()
    table = []
    fetch = threading.Thread(target=lambda: table.append(_csv(later, snapshot.grid)))  # as Streamlit does
    snapshot = door.task_snapshot(state)
    later = door.later_snapshot(state)
    fetch.start()
    fetch.join()
    assert len(table[0].decode().splitlines()) == 5 and run_of(app)
    assert isinstance(snapshot, MapSnapshot) and len(snapshot.cells) == 4
    assert {cell.settings.batch_size for cell in snapshot.cells.values()} == {50, 100}
    assert [axis.values for axis in snapshot.grid.axes] == [
        read_axis("batch_size=50,100").values,
        read_axis("learning_rate=0.1,1").values,
    ]


def test_a_click_on_the_figure_of_another_map_is_ignored():
    app, state = small_map()
    choose(app, state, 7, 7)
    assert app.session_state.map_place is None


def test_the_settings_are_those_of_the_sidebar_even_if_the_run_has_others():
    app = page(**SMALL)
    press(app, "Step")
    at_rest(run_of(app), 1)
    app.selectbox(key="activation").set_value("tanh").run()
    app.session_state.view = "Map"
    app.run()
    press(app, "Train the map")
    assert actions.grid_of(map_of(app)).settings.activation == "tanh" and run_of(app).settings.activation == "relu"


def test_a_map_is_no_run():
    """The next visit shows the latest run, not the map."""
    app, _ = small_map()
    run = run_of(app).id
    assert isinstance(door.find(run), RunState) and door.latest_run().id == run


def buttons(app, label):
    return [each for each in app.button if each.label == label]


def test_a_saved_map_is_closed_opened_deleted_and_brought_back(saving):
    app, state = small_map()
    saving.store().finish()
    press(app, "Close")
    assert not app.session_state.maps and "Train the map" in labels(app)
    app.run()
    assert not app.session_state.maps, "the address does not bring it back"
    assert any("batch size × learning rate, 4 cells**. Made" in each.value for each in app.markdown)
    press(app, "Open")
    assert map_of(app).id == state.id and door.find(state.id).status == "finished"
    press(app, "Close")
    press(app, "Delete")
    assert not buttons(app, "Open") and door.saved_maps() == []
    press(app, "Undo the deletion")
    assert [each.id for each in door.saved_maps()] == [state.id]


def test_after_a_restart_it_goes_on(saving):
    app = view()
    press(app, "Train the map")
    state = map_of(app)
    until(lambda: len(door.task_snapshot(state).cells) >= 2 if door.task_snapshot(state) else False)
    press(app, "Pause the map")
    until(lambda: door.find(state.id).status == "paused")
    done = door.task_snapshot(door.find(state.id)).cells
    until(lambda: door.saved_maps() and door.saved_maps()[0].step >= 600)
    saving()
    app = view(map=state.id)
    assert map_of(app).status == "paused" and len(door.task_snapshot(map_of(app)).cells) >= len(done) >= 2
    press(app, "Go on")
    assert door.find(state.id).status == "training"


def test_the_room_counts_maps(saving):
    app, _ = small_map()
    saving.store().finish()
    app.session_state.view = "Runs"
    app.run()
    said = " ".join(each.value for each in app.caption)
    assert "0 saved runs and 1 map (" in said and "A map counts as one run." in said
    assert "Delete everything" in labels(app)
    press(app, "Delete everything")
    assert door.saved_maps() == [] and not app.session_state.maps
