"""Watch a neural network learn: the library under the page.

>>> from mlpviz import Settings, Trainer, load_dataset
>>> trainer = Trainer(Settings(dataset="fashion-mnist-mini"), load_dataset("fashion-mnist-mini"))
>>> losses = trainer.train(steps=10)
"""

from mlpviz.datasets import Dataset, DatasetError, load_dataset
from mlpviz.settings import Settings
from mlpviz.trainer import Evaluation, Trainer, train_step

__all__ = ["Dataset", "DatasetError", "Evaluation", "Settings", "Trainer", "load_dataset", "train_step"]
