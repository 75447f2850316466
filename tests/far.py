"""Workers for tests, in processes of their own, and objects there that a test can use as if they were here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import ray
import torch

from mlpviz import Dataset
from mlpviz.runs.engine import MEMORY
from mlpviz.runs.memory import Needs
from mlpviz.store.store import Store
from mlpviz.workers import cluster
from mlpviz.workers.backend import WorkersBackend
from mlpviz.workers.post import Post
from mlpviz.workers.worker import Worker

PLAIN = (bool, int, float, str, bytes, np.ndarray, np.generic, torch.Tensor, Enum, BaseException, Needs, type(None))


class OpenWorker(Worker):
    """A worker whose objects a test may reach. An object that is no value stays here, and the test gets its number."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._objects: list[Any] = [self.backend]

    async def begin_again(self) -> None:
        """Forget all objects but the backend, which has number 0."""
        del self._objects[1:]

    async def reach(self, number: int, what: str, *arguments: Any) -> tuple[bool, Any]:
        """Do something with an object: get or set an attribute, get an item, or call it."""
        thing, arguments = self._objects[number], tuple(self._here(each) for each in arguments)
        if what == "get":
            return self._there(getattr(thing, *arguments))
        if what == "item":
            return self._there(thing[arguments[0]])
        if what == "set":
            return self._there(setattr(thing, *arguments))
        return await self._in(self._slow, lambda: self._there(thing(*arguments)))

    def _here(self, argument: Any) -> Any:
        return self._objects[argument.number] if isinstance(argument, Number) else argument

    def _there(self, value: Any) -> tuple[bool, Any]:
        """Whether it is a value; and the value, or the number of the object."""
        if _is_value(value):
            return True, value
        if isinstance(value, (list, tuple, Iterator)):
            return False, [self._there(each) for each in value]
        if not any(value is each for each in self._objects):
            self._objects.append(value)
        return False, Number(next(i for i, each in enumerate(self._objects) if each is value))


class Number:
    """The number of an object in a worker."""

    def __init__(self, number: int) -> None:
        self.number = number


def _is_value(value: Any) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_value, value))
    if isinstance(value, dict):
        return all(map(_is_value, value.values()))
    frozen = is_dataclass(value) and not isinstance(value, (Dataset, type)) and value.__dataclass_params__.frozen
    return frozen or isinstance(value, PLAIN)


class Far:
    """An object in a worker."""

    def __init__(self, home: Home, number: int) -> None:
        self.__dict__.update(_home=home, _number=number)

    def __getattr__(self, name: str) -> Any:
        return self._home.reach(self._number, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._home.reach(self._number, "set", name, value)

    def __call__(self, *arguments: Any) -> Any:
        return self._home.reach(self._number, "call", *arguments)

    def __getitem__(self, key: Any) -> Any:
        return self._home.reach(self._number, "item", key)


class Home:
    """Where the objects of one worker are known by their numbers. The same object is always the same `Far`."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._known: dict[int, Far] = {}
        ray.get(post.actor.begin_again.remote())

    def reach(self, number: int, what: str, *arguments: Any) -> Any:
        sent = [Number(each.__dict__["_number"]) if isinstance(each, Far) else each for each in arguments]
        try:
            return self._value(*ray.get(self.post.actor.reach.remote(number, what, *sent)))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None

    def far(self, number: int) -> Far:
        return self._known.setdefault(number, Far(self, number))

    def _value(self, plain: bool, value: Any) -> Any:
        if plain:
            return value
        return [self._value(*each) for each in value] if isinstance(value, list) else self.far(value.number)


@contextmanager
def workers(count: int = 1, store: Store | None = None) -> Iterator[WorkersBackend]:
    """A backend with so many workers."""
    found = cluster._import_ray()
    if not found.is_initialized():
        cluster._start(found, 3)
    kind = found.remote(OpenWorker).options(num_cpus=1, max_restarts=-1, max_concurrency=cluster.CONCURRENT)
    backend = WorkersBackend(
        [Post(kind.remote(MEMORY, 1, store is not None), store) for _ in range(count)], store, lambda: None
    )
    try:
        assert all(post.wait_until_up(60) for post in backend.posts)
        yield backend
    finally:
        backend.close()
