"""Receipts: an honest one is verified, bit for bit; one from another machine within bounds; a changed one is caught."""

import json

import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz import __main__ as command
from mlpviz.receipts import Outcome, ReceiptError, check_receipt, make_receipt, read_receipt
from mlpviz.receipts import _seal as seal
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from tests.runs.working import SMALL, work_off
from tests.waiting import worked_off


def receipt_of(run, path, **edits):
    """The receipt of a run as a file, with some values replaced and a new seal."""
    recording = run.recording
    text = worked_off(
        make_receipt(run.trainer, recording.settings_log, recording.evaluations, recording.fingerprints, 1)
    )
    content = json.loads(text)
    content.pop("seal")
    for name, value in edits.items():
        content[name] = value(content[name]) if callable(value) else value
    path.write_text(json.dumps(content | {"seal": seal(content)}))
    return path


def trained(dataset, **settings):
    run = Run(SMALL.replace(**settings), dataset)
    run.start()
    work_off(run)
    return run


def outcomes(path, dataset):
    return [comparison.outcome for comparison in check_receipt(read_receipt(path), dataset)]


def test_its_content_is_that_of_a_plain_training_loop(tiny, tmp_path):
    content = read_receipt(receipt_of(trained(tiny), tmp_path / "receipt.json"))
    oracle = Trainer(SMALL, tiny)
    assert content["settings"] == SMALL.to_dict() and content["step"] == 20
    for each in content["evaluations"]:
        oracle.train(each["step"] - oracle.step)
        evaluation = oracle.evaluate()
        assert (each["loss"], each["accuracy"]) == (evaluation.loss, evaluation.accuracy)
    assert [each["step"] for each in content["evaluations"]] == [0, 10, 20]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"optimizer": "adam", "learning_rate": 0.001},
        {"hidden_sizes": ()},
        {"batch_size": 64, "seed": 5},
        {"learning_rate": 30.0, "init_std": 1.0, "hidden_sizes": (16, 16)},
    ],
    ids=str,
)
def test_an_honest_receipt_is_equal_bit_for_bit(tiny, tmp_path, settings):
    path = receipt_of(trained(tiny, **settings), tmp_path / "receipt.json")
    assert set(outcomes(path, tiny)) == {Outcome.EQUAL}


def test_changes_on_the_way_and_a_branch_are_trained_again(tiny, tmp_path):
    run = Run(SMALL.replace(epochs=8), tiny)
    run.goal = 55
    work_off(run)
    run.change(run.settings.replace(learning_rate=0.02, momentum=0.5))
    run.start()
    work_off(run)
    assert set(outcomes(receipt_of(run, tmp_path / "a.json"), tiny)) == {Outcome.EQUAL}
    other = branch(run, 60)
    other.change(other.settings.replace(learning_rate=0.3))
    other.start()
    work_off(other)
    content = read_receipt(receipt_of(other, tmp_path / "b.json"))
    assert [each["step"] for each in content["evaluations"]][:3] == [0, 10, 20] and content["step"] == 80
    assert set(outcomes(tmp_path / "b.json", tiny)) == {Outcome.EQUAL}


def test_a_receipt_from_another_machine_is_verified_within_the_bounds(tiny, tmp_path):
    def other_bits(evaluations):
        return [each | {"logits": "0" * 64, "loss": each["loss"] * 1.001} for each in evaluations]

    path = receipt_of(trained(tiny), tmp_path / "receipt.json", evaluations=other_bits, weights="0" * 64)
    assert set(outcomes(path, tiny)) == {Outcome.CLOSE}


def better(evaluations):
    return [*evaluations[:-1], evaluations[-1] | {"accuracy": 0.99}]


def without_fingerprints(evaluations):
    return [each | {"logits": "0" * 64} for each in evaluations]


@pytest.mark.parametrize(
    ("edits", "first_wrong"),
    [
        ({"evaluations": better}, 20),
        ({"evaluations": lambda each: better(without_fingerprints(each)), "weights": "0" * 64}, 20),
        ({"settings": lambda s: s | {"learning_rate": 0.5}}, 10),
        ({"settings": lambda s: s | {"hidden_sizes": [8], "seed": 3, "learning_rate": 0.3}}, 10),
        ({"step": 21}, 21),
        ({"weights": "0" * 64}, 20),
        ({"weights": "0" * 64, "evaluations": []}, 20),
    ],
    ids=["accuracy", "accuracy, fingerprints", "rate", "network", "steps", "weights", "weights alone"],
)
def test_a_receipt_that_was_changed_with_its_seal_is_caught(tiny, tmp_path, edits, first_wrong):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json", **edits)
    wrong = [each.step for each in check_receipt(read_receipt(path), tiny) if each.outcome == Outcome.DIFFERENT]
    assert wrong[0] == first_wrong


def test_steps_that_make_no_sense_are_refused(tiny, tmp_path):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json", step=19)
    with pytest.raises(ReceiptError, match="the steps of its evaluations"):
        outcomes(path, tiny)


def test_a_receipt_that_was_changed_without_its_seal_is_caught_at_once(tiny, tmp_path):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json")
    path.write_text(path.read_text().replace('"step": 20', '"step": 10', 1))
    with pytest.raises(ReceiptError, match="was changed after it was made"):
        read_receipt(path)


def test_other_data_are_refused(tiny, mini, tmp_path):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json")
    with pytest.raises(ReceiptError, match="not those of the receipt"):
        outcomes(path, mini)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"seal": 1, "format": 9}', "\xff"])
def test_what_is_no_receipt_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "receipt.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ReceiptError):
        read_receipt(path)
    with pytest.raises(ReceiptError, match="No such file"):
        read_receipt(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["settings", "step", "evaluations", "made with", "data", "changes"])
def test_a_receipt_with_a_senseless_value_can_not_be_checked(tiny, tmp_path, capsys, name, monkeypatch):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json", **{name: "nonsense"})
    monkeypatch.setattr("mlpviz.verify.load_dataset", lambda name: tiny)
    with pytest.raises(SystemExit) as ended:
        command.main(["verify", str(path)])
    assert ended.value.code == 2
    assert "can't be checked" in capsys.readouterr().err


def test_the_command_says_what_it_finds_and_ends_with_it(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mlpviz.verify.load_dataset", lambda name: tiny)
    path = receipt_of(trained(tiny), tmp_path / "receipt.json")
    for edits, status, words in (
        ({}, 0, "VERIFIED. The run is equal to the receipt, bit for bit."),
        ({"weights": "0" * 64, "evaluations": without_fingerprints}, 0, "WITHIN BOUNDS"),
        (
            {"evaluations": better},
            1,
            "from step 20 on. The last step that agrees is 10.",
        ),
    ):
        receipt_of(trained(tiny), path, **edits)
        with pytest.raises(SystemExit) as ended:
            command.main(["verify", str(path)])
        assert ended.value.code == status
        assert words in capsys.readouterr().out


def test_the_number_of_threads_is_that_of_the_receipt_and_is_set_back(tiny, tmp_path):
    path = receipt_of(trained(tiny), tmp_path / "receipt.json", **{"made with": lambda m: m | {"threads": 2}})
    steps = check_receipt(read_receipt(path), tiny)
    next(steps)
    assert torch.get_num_threads() == 2
    steps.close()
    assert torch.get_num_threads() == 1


def test_a_run_of_the_page_gives_its_receipt(tmp_path):
    from mlpviz import load_dataset
    from mlpviz.backend.commands import Start
    from mlpviz.backend.questions import MakeReceipt
    from mlpviz.backend.specifications import NewRun, TwinOf
    from tests.store.keeping import ADA, serve, trained

    settings = Settings(dataset="fashion-mnist-mini", epochs=1, hidden_sizes=(16,))
    backend = serve(tmp_path / "runs.sqlite")
    run = backend.create(NewRun(settings), ADA).result(20)
    twin = backend.create(TwinOf(run.id, (("learning_rate", 0.3),)), ADA).result(20)
    backend.tell(run.id, ADA, Start()).result(20)
    trained(backend, run.id, 40)
    backend.close()
    backend = serve(tmp_path / "runs.sqlite")  # the fingerprints are saved, too
    assert backend.find(run.id, ADA).step == 40
    path = tmp_path / "receipt.json"
    path.write_text(backend.ask(run.id, ADA, MakeReceipt()).result(20))
    assert backend.ask(twin.id, ADA, MakeReceipt()).result(20) == ""
    backend.close()
    found = list(check_receipt(read_receipt(path), load_dataset(settings.dataset)))
    assert {each.outcome for each in found} == {Outcome.EQUAL} and found[-1].step == 40
