import numpy as np
import torch

from mlpviz import Settings, Trainer
from mlpviz.observe.predictions import CAPACITY, PredictionRecorder
from mlpviz.runs.run import Run
from mlpviz.trainer import Evaluation
from tests.runs.working import work_off

LABELS = torch.arange(300) % 10


def evaluation(step):
    logits = torch.randn(300, 10, generator=torch.Generator().manual_seed(step))
    return Evaluation(step, 0.0, 0.0, logits)


def test_what_is_kept_is_what_was_said():
    recorder = PredictionRecorder()
    results = [recorder.record(evaluation(step), LABELS) for step in range(5)][-1]
    assert [past.step for past in results.past] == [0, 1, 2, 3, 4] and results.evaluations == 5
    for step, past in enumerate(results.past):
        logits = evaluation(step).logits
        assert past.predicted.tolist() == logits.argmax(1).tolist() and past.predicted.dtype == np.uint8
        expected = logits.double().softmax(1)[torch.arange(300), LABELS]
        np.testing.assert_allclose(past.true_probability, expected, rtol=1e-3)
    assert np.array_equal(results.logits, evaluation(4).logits)


def test_two_hundred_evaluations_are_thinned_evenly_and_stay_bounded():
    recorder = PredictionRecorder()
    for step in range(200):
        results = recorder.record(evaluation(step), LABELS)
        steps = [past.step for past in results.past]
        assert len(steps) <= CAPACITY + 1 and steps[0] == 0 and steps[-1] == step
        gaps = np.diff(steps[:-1])
        assert len(set(gaps.tolist())) <= 1, "evenly, but for the latest"
        if step:
            assert results.before.tolist() == evaluation(step - 1).logits.argmax(1).tolist(), "thinned or not"
    assert results.evaluations == 200
    assert sum(past.predicted.nbytes + past.true_probability.nbytes for past in results.past) <= 33 * 300 * 3


def test_results_given_out_never_change():
    recorder = PredictionRecorder()
    first = recorder.record(evaluation(0), LABELS)
    for step in range(1, 100):
        recorder.record(evaluation(step), LABELS)
    assert [past.step for past in first.past] == [0] and first.evaluations == 1


def test_a_run_publishes_the_results_of_each_evaluation(tiny):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)
    run = Run(settings, tiny)
    assert run.recording.results is None
    run.start()
    work_off(run)
    oracle = Trainer(settings, tiny)
    oracle.train(20)
    assert run.recording.results.step == 20 and [past.step for past in run.recording.results.past] == [0, 10, 20]
    assert np.array_equal(run.recording.results.logits, oracle.evaluate().logits)
    assert np.array_equal(run.recording.results.labels, tiny.test.labels)
