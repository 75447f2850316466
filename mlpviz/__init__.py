"""Watch a neural network learn: the library under the page.

>>> from mlpviz import Settings, Trainer, load_dataset
>>> trainer = Trainer(Settings(dataset="fashion-mnist-mini"), load_dataset("fashion-mnist-mini"))
>>> losses = trainer.train(steps=10)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpviz.datasets import Dataset, DatasetError, load_dataset
    from mlpviz.settings import Settings
    from mlpviz.trainer import Evaluation, Trainer, train_step

__version__ = "0.2.0"
__all__ = ["Dataset", "DatasetError", "Evaluation", "Settings", "Trainer", "load_dataset", "train_step"]

_HOMES = {
    "Dataset": "datasets",
    "DatasetError": "datasets",
    "load_dataset": "datasets",
    "Settings": "settings",
    "Evaluation": "trainer",
    "Trainer": "trainer",
    "train_step": "trainer",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: torch takes seconds, and `mlpviz --help` can do without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
