"""What is saved in a worker waits here until the front end fetches it. Only the front end writes the file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mlpviz.runs.saving import Saved
from mlpviz.store.packing import Packer, Parcel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mail:
    """What was saved in a worker since the mail before.

    Attributes:
        parcels: tasks as they are now. gone: the ids of tasks that are no longer in memory.
        up_to: how many saves there have been so far, these included.
    """

    parcels: tuple[Parcel, ...] = ()
    gone: tuple[str, ...] = ()
    up_to: int = 0


class Courier:
    """The keeper of an engine in a worker; see `mlpviz.runs.saver.Keeper`. Every method may be called from any thread.

    Attributes:
        trouble: why the front end can't write the file now; empty if all is well.
    """

    def __init__(self, packer: Packer) -> None:
        self.trouble = ""
        self._packer = packer
        self._news = threading.Condition()  # guards what follows
        self._waiting: dict[str, Saved] = {}  # the newest of each task
        self._gone: set[str] = set()
        self._in_file: dict[str, frozenset[str]] = {}  # by task, the pieces that are in the file
        self._sent = Mail()  # the latest mail; the front end may not have got it
        self._count = 0
        self._hurry = False

    def keep(self, saved: Saved) -> None:
        """As in `Keeper`. Only the newest of each task waits."""
        with self._news:
            self._waiting[saved.id] = saved
            self._gone.discard(saved.id)
            self._count += 1
            self._news.notify_all()

    def let_go(self, task: str) -> None:
        """As in `Keeper`."""
        with self._news:
            self._gone.add(task)
            self._count += 1
            self._news.notify_all()

    def hurry(self) -> int:
        """Let `collect` return at once. Returns how many saves there have been so far."""
        with self._news:
            self._hurry = True
            self._news.notify_all()
            return self._count

    def collect(
        self, in_file: Mapping[str, frozenset[str]], received: int, alive: Collection[str], seconds: float
    ) -> Mail:
        """All that waits. If nothing does, wait this long for it.

        Args:
            in_file: by task, the pieces that are in the file; of each task, what the latest call says counts.
            received: the `up_to` of the latest mail that the front end has got. If a later one was lost, it is sent
                again. alive: the ids of the tasks in memory.
        """
        with self._news:
            self._in_file.update(in_file)
            lost = self._sent if received < self._sent.up_to else Mail()
            if not (self._waiting or self._gone or self._hurry or lost.up_to):
                self._news.wait(seconds)
            waiting, self._waiting = self._waiting, {}
            again = tuple(parcel for parcel in lost.parcels if parcel.id not in waiting)
            gone = tuple(self._gone | (set(lost.gone) - waiting.keys()))
            self._gone, self._hurry, up_to = set(), False, self._count
        parcels = tuple(filter(None, map(self._parcel, waiting.values())))
        with self._news:
            here = {*alive, *waiting}
            self._in_file = {task: names for task, names in self._in_file.items() if task in here}
            self._sent = Mail(again + parcels, gone, up_to)
            return self._sent

    def _parcel(self, saved: Saved) -> Parcel | None:
        """The task as bytes, unless that fails, for example because of too little memory: the others can be saved."""
        try:
            return self._packer.parcel(saved, self._in_file.get(saved.id, ()))
        except Exception:
            log.exception("task %s can't be saved", saved.id)
            return None
