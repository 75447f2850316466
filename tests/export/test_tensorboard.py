"""Event files, read back by TensorBoard itself."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from mlpviz.export.pictures import grid
from mlpviz.export.tensorboard import write_events
from mlpviz.page.film import events as packed_events


@pytest.fixture(scope="module")
def events(roll, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    write_events(roll, folder)
    accumulator = EventAccumulator(str(folder), size_guidance={"images": 0, "histograms": 0, "scalars": 0})
    accumulator.Reload()
    return accumulator


def scalars(events, name):
    return [(each.step, each.value) for each in events.Scalars(name)]


def test_the_losses_and_the_norms_are_those_of_every_step(events, roll):
    steps = roll.now.steps
    for column, name in (("loss", "loss/train"), ("weight_gradient 2", "weight_gradient/layer_2")):
        expected = list(zip(range(1, 41), steps.column(column).tolist(), strict=True))
        assert scalars(events, name) == expected


def test_the_tests_are_there(events, roll):
    losses = [(int(step), np.float32(loss)) for step, loss, _ in roll.now.evaluations]
    assert scalars(events, "loss/test") == losses and len(losses) == 5
    assert scalars(events, "accuracy/test")[-1] == (40, np.float32(roll.now.evaluations[-1, 2]))


def test_dead_units_and_update_ratios_are_at_the_looks(events, roll):
    trend = roll.now.inspection.trend
    assert scalars(events, "dead_share/layer_1") == list(
        zip(trend.column("step").astype(int).tolist(), trend.column("dead_share 1").tolist(), strict=True)
    )
    assert len(scalars(events, "update_ratio/layer_2")) == np.isfinite(trend.column("update_ratio 2")).sum()


def test_histograms_have_our_bins(events, roll):
    found = events.Histograms("weights/layer_1")
    assert [each.step for each in found] == [*(moment.step for moment in roll.moments), 40]
    last, ours = found[-1].histogram_value, roll.now.inspection.weights[0]
    assert (last.min, last.max, last.num) == (ours.low, ours.high, 784 * 16)
    assert last.bucket[1:] == ours.counts.tolist() and last.bucket[0] == 0
    assert np.allclose(last.bucket_limit, np.linspace(ours.low, ours.high, len(ours.counts) + 1))
    assert last.sum_squares == pytest.approx(roll.now.inspection.weight_norms[0] ** 2, rel=0.01)


def test_the_pictures_are_those_of_the_first_layer(events, roll):
    found = events.Images("first-layer_weights")
    assert [each.step for each in found] == [*(moment.step for moment in roll.moments), 40]
    picture = Image.open(io.BytesIO(found[3].encoded_image_string)).convert("RGB")
    assert np.array_equal(np.asarray(picture), np.asarray(grid(roll.moments[3].tiles)))


def test_the_settings_are_a_table(events):
    (text,) = events.Tensors("settings/text_summary")
    assert "| learning_rate | 0.03 |" in tensor_util.make_ndarray(text.tensor_proto)[0].decode()


def test_a_folder_with_another_run_is_left_alone(roll, tmp_path):
    write_events(roll, tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name.endswith(".mlpviz"), "and not with the name of this machine"
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="Name another folder"):
        write_events(roll, tmp_path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [before]


def test_the_page_packs_them_into_a_folder(roll):
    packed = zipfile.ZipFile(io.BytesIO(packed_events(roll)))
    (name,) = packed.namelist()
    assert name.startswith("mlpviz/events.out.tfevents.") and len(packed.read(name)) > 10_000
