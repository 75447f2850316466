import pytest
import torch

from mlpviz.options import OptionError
from mlpviz.runs import threads


@pytest.fixture
def machine(monkeypatch):
    """A made-up machine: cores, load, and a step's seconds by number of threads."""

    def make(cores, load, seconds):
        monkeypatch.delenv("MLPVIZ_THREADS", raising=False)
        monkeypatch.setattr(threads, "_cores", lambda: cores)
        monkeypatch.setattr(threads.os, "getloadavg", lambda: (load, 0, 0))
        monkeypatch.setattr(threads, "_seconds", seconds.__getitem__)
        return threads.choose_threads()

    return make


FAST = {1: 1.0, 2: 0.6, 4: 0.4, 8: 0.39}


def test_more_threads_only_where_they_pay(machine):
    assert machine(16, 0, FAST) == 4  # eight gain too little over four
    assert machine(16, 0, {1: 1.0, 2: 0.95, 4: 0.9, 8: 0.9}) == 1


def test_a_core_stays_free_and_a_busy_machine_gets_one_thread(machine):
    assert machine(2, 0, FAST) == 1
    assert machine(4, 0, FAST) == 2
    assert machine(16, 15, FAST) == 1


def test_the_user_has_the_last_word(machine, monkeypatch):
    monkeypatch.setenv("MLPVIZ_THREADS", "3")
    assert threads.choose_threads() == 3
    monkeypatch.setenv("MLPVIZ_THREADS", "many")
    with pytest.raises(OptionError, match="'many'"):
        threads.choose_threads()


def test_it_measures_something():
    assert threads._seconds(1) > 0


def test_it_measures_with_as_many_threads_as_it_says():
    for number in (2, 1):
        threads._seconds(number)
        assert torch.get_num_threads() == number
