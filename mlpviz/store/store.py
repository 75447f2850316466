"""Saved runs: what the server asks of them. A thread writes, so that training doesn't wait for the disk."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlpviz.runs.errors import NotNowError
from mlpviz.runs.saving import Saved
from mlpviz.state import SavedRun
from mlpviz.store.codec import Codec, UnreadableError
from mlpviz.store.database import Database, ElsewhereError, Row
from mlpviz.store.packing import Packer, Parcel
from mlpviz.store.schema import ForeignFileError, NewerFileError

MOST_RUNS = 200  # saved, of one visitor
MOST_BYTES = 500 * 10**6  # of one visitor
MOST_WAITING = 200  # tasks that wait for a disk that does not write
BEAT = 5.0  # seconds between two signs of life, and until a write that failed is tried again
AGAIN = 30.0  # seconds until a file that could not be opened is tried again
LAST = 5.0  # seconds to wait for the last writes when the server ends

TROUBLES = (sqlite3.Error, NewerFileError, ForeignFileError, OSError)

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Store:
    """The saved runs of all visitors in one file. Every method may be called from any thread.

    An error of the file stops nothing: `trouble` says it in a sentence, and training continues.

    Args:
        path: of the file. codec: writes and reads a state.

    Attributes:
        trouble: why runs can't be saved now, for the reader; empty if all is well.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self.path = path
        self.trouble = ""
        self._packer = Packer(codec)
        self._database: Database | None = None
        self._opening = threading.Lock()
        self._tried_at = -AGAIN
        self._news = threading.Condition()  # guards what follows
        self._waiting: dict[str, Saved | Parcel] = {}  # the newest of each task
        self._leaving: set[str] = set()  # tasks that are no longer in memory
        self._known: set[str] = set()  # tasks that are in the file, as far as we know
        self._removed: set[str] = set()  # tasks that must not be written any more
        self._writing = ""  # the id of the task that is being written
        self._closing = False
        self._unread = ""  # the latest error of a question that is only for reading
        with contextlib.suppress(*TROUBLES):
            self._open()
        self._thread = threading.Thread(target=self._work, name="mlpviz-store", daemon=True)
        self._thread.start()

    # what is written later

    def keep(self, saved: Saved | Parcel) -> None:
        """Write the task soon, in the place of its older state. If a write fails, it is tried again. From a worker, it
        comes as a parcel."""
        with self._news:
            if saved.id in self._removed:
                return
            self._waiting[saved.id] = saved
            self._leaving.discard(saved.id)
            if len(self._waiting) > MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._news.notify_all()

    def let_go(self, task: str) -> None:
        """The task is no longer in memory, once what waits of it is written."""
        with self._news:
            self._leaving.add(task)
            self._news.notify_all()

    def finish(self, task: str = "", seconds: float = LAST) -> bool:
        """Wait until this task is written, or all if none is named. Returns whether it is."""
        end = time.monotonic() + seconds
        with self._news:
            while self._busy(task):
                if not self._news.wait(end - time.monotonic()):
                    return False
        return True

    def close(self) -> None:
        """Write what waits, let go of all runs, and close the file. It is safe to call this twice."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(LAST)
        database, self._database = self._database, None
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()

    # what is answered at once

    def bring_back(self, task: str, owner: str) -> Saved | None:
        """The saved task of this visitor, which this server has from now on. None if there is none.

        Raises:
            NotNowError: it can't come back now.
        """
        with self._news:
            waiting = self._waiting.get(task)
        if self.trouble and waiting is not None and waiting.owner == owner:
            return self._copy(waiting)
        if not self.finish(task):
            raise NotNowError("It is still being saved. Try again in a moment.")
        try:
            found = self._open().take(task, owner)
        except ElsewhereError:
            raise NotNowError(ELSEWHERE) from None
        except TROUBLES as error:
            raise NotNowError(f"The file of saved runs can’t be used now, because {why(error)}.") from error
        if found is None:
            return None
        row, pieces = found
        try:
            saved = self._packer.unpack(row, pieces)
        except UnreadableError as error:
            self.let_go(task)
            raise NotNowError(f"What was saved of it can’t be read: {error}. It was not changed.") from error
        with self._news:
            self._known.add(task)
        return saved

    def with_token(self, token: str) -> tuple[str, str] | None:
        """The id and the owner of the task that was saved last with this token."""
        return self._try(lambda database: database.with_token(token), None)

    def about(self, owner: str) -> list[SavedRun]:
        """The saved runs of a visitor, the latest first."""
        nothing: list[Row] = []
        runs = []
        for row in self._try(lambda database: database.runs(owner), nothing):
            with contextlib.suppress(UnreadableError):  # another version wrote it
                runs.append(self._packer.about(row))
        return [about for about in runs if about is not None]

    def usage(self, owner: str) -> tuple[int, int]:
        """How many runs of a visitor are saved, and how many bytes all that is saved of them takes."""
        return self._try(lambda database: database.usage(owner), (0, 0))

    def write_words(self, task: str, owner: str, name: str, note: str) -> bool:
        """Set the name and the note of a visitor's own run. Returns whether that worked."""
        return self.finish(task) and self._does(lambda database: database.write_words(task, owner, name, note))

    def delete(self, task: str, owner: str, deleted: bool = True) -> bool:
        """Delete a visitor's own task, or bring it back: that is possible for an hour. Returns whether that worked."""
        return self.finish(task) and self._does(lambda database: database.delete(task, owner, deleted))

    def drop(self, task: str, owner: str) -> bool:
        """Remove a visitor's own task for good. Returns whether that worked."""
        self._never_write([task])
        return self.finish(task) and self._does(lambda database: database.remove(task, owner))

    def forget(self, owner: str, tasks: list[str]) -> bool:
        """Remove everything of a visitor for good, also these tasks, which may not be saved yet. Returns whether that
        worked."""
        with self._news:
            waiting = [task for task, saved in self._waiting.items() if saved.owner == owner]
        self._never_write([*tasks, *waiting])
        return all(map(self.finish, [*tasks, *waiting])) and self._does(lambda database: database.forget(owner))

    def remember(self, owner: str, name: str, value: str) -> bool:
        """Keep a text of a visitor under a name. Returns whether that worked."""
        return self._does(lambda database: database.remember(owner, name, value))

    def recall(self, owner: str, name: str) -> str | None:
        """The text that was kept under this name."""
        return self._try(lambda database: database.recall(owner, name), None)

    def recall_all(self, name: str) -> dict[str, str]:
        """The texts of all owners that were kept under this name, by owner."""
        nothing: dict[str, str] = {}
        return self._try(lambda database: database.recall_all(name), nothing)

    # inside

    def _never_write(self, tasks: list[str]) -> None:
        with self._news:
            self._removed.update(tasks)
            for task in tasks:
                self._waiting.pop(task, None)

    def _copy(self, waiting: Saved | Parcel) -> Saved:
        """A task that could not be written, the same as from the file."""
        if isinstance(waiting, Saved):
            return self._packer.copy(waiting)
        try:
            return self._packer.unpack(waiting.row, waiting.pieces)
        except UnreadableError:  # some of its pieces are in the file
            raise NotNowError(self.trouble) from None

    def _busy(self, task: str) -> bool:
        if not task:
            return bool(self._waiting or self._leaving or self._writing)
        return task in self._waiting or task in self._leaving or task == self._writing

    def _work(self) -> None:
        """The writing thread: what waits, and a sign of life every five seconds. Nothing ends it but `close`."""
        beaten, wait = time.monotonic(), 0.0
        while True:
            with self._news:
                if not self._closing and (wait or not (self._waiting or self._leaving)):
                    self._news.wait(wait or BEAT)
                gone = next((task for task in self._leaving if task not in self._waiting), "")
                saved = self._waiting.pop(next(iter(self._waiting))) if self._waiting and not gone else None
                self._writing = saved.id if saved is not None else gone
            works = True
            if saved is not None:
                works = self._write(saved)
            elif gone:
                works = self._does(lambda database, gone=gone: database.let_go(gone))  # type: ignore[misc]
            wait = 0.0 if works else BEAT
            with self._news:
                self._writing = ""
                self._leaving.discard(gone)
                self._news.notify_all()
                if self._closing and (not works or not (self._waiting or self._leaving)):
                    return
            if time.monotonic() - beaten >= BEAT:
                beaten = time.monotonic()
                if self._does(Database.beat) and works and not self._waiting:
                    self.trouble = ""

    def _write(self, saved: Saved | Parcel) -> bool:
        """Write one task. If it fails, it waits again, unless something newer of it is waiting already."""
        try:
            with self._news:
                known, removed = saved.id in self._known, saved.id in self._removed
            if removed:
                return True
            database = self._open()
            there = self._put(database, saved, known)
            with self._news:
                (self._known if there else self._removed).add(saved.id)
            database.make_room(saved.owner, saved.id, MOST_RUNS, MOST_BYTES)
        except TROUBLES as error:
            self._say(error)
            with self._news:
                if saved.id not in self._removed:
                    self._waiting.setdefault(saved.id, saved)
            return False
        except Exception as error:  # such as too little memory, or another server has it; the next save tries again
            log.exception("run %s can't be saved", saved.id)
            self._say(error)
            return True
        self.trouble = ""
        return True

    def _put(self, database: Database, saved: Saved | Parcel, known: bool) -> bool:
        """Write a task into the file. Returns whether it is there, as in `Database.put`."""
        if isinstance(saved, Saved):
            row, pieces = self._packer.pack(saved)
            return database.put(row, frozenset(pieces), lambda name: self._packer.encode(pieces[name]), known)
        try:
            there = database.put(saved.row, saved.names, saved.pieces.__getitem__, known)
        except KeyError:
            saved.tell(frozenset())
            raise
        if there:
            saved.tell(saved.names)
        return there

    def _open(self) -> Database:
        """The file, which is opened if it is not open. After a failure it is tried again only some time later."""
        with self._opening:
            if self._database is None:
                if self._closing or time.monotonic() - self._tried_at < AGAIN:
                    raise sqlite3.OperationalError("it could not be opened")
                self._tried_at = time.monotonic()
                try:
                    self._database = Database(self.path)
                except TROUBLES as error:
                    self._say(error)
                    raise
            return self._database

    def _try(self, act: Callable[[Database], Answer], otherwise: Answer) -> Answer:
        """What `act` returns, or `otherwise` if the file does not answer."""
        try:
            return act(self._open())
        except TROUBLES as error:
            if str(error) != self._unread:
                log.warning("the file of saved runs does not answer (%s: %s)", type(error).__name__, error)
            self._unread = str(error)
            return otherwise

    def _does(self, act: Callable[[Database], object]) -> bool:
        """Whether `act`, which writes, worked."""
        try:
            act(self._open())
        except TROUBLES as error:
            self._say(error)
            return False
        return True

    def _say(self, error: Exception) -> None:
        if self._database is None and self.trouble and isinstance(error, sqlite3.OperationalError):
            return  # why it could not be opened is said already
        trouble = f"Runs can’t be saved now, because {why(error)}. You can go on training."
        if trouble != self.trouble:
            log.warning("%s: %s (%s: %s)", self.path, trouble, type(error).__name__, error)
        self.trouble = trouble


ELSEWHERE = "Another mlpviz server, which uses the same file, has it open. Close it there, or wait a moment."


def why(error: Exception) -> str:
    """What is wrong with the file of saved runs, and what to do, for the reader; it follows “because”."""
    text = str(error)
    if isinstance(error, NewerFileError):
        return "a newer version of mlpviz made the file. Update mlpviz, or give another file with --store"
    if isinstance(error, ForeignFileError):
        return "the file belongs to another program. Give another file with --store"
    if isinstance(error, ElsewhereError):
        return "another mlpviz server, which uses the same file, has this run open"
    if "full" in text or "No space" in text:
        return "the disk is full. Free some space, and saving goes on by itself"
    if isinstance(error, OSError) or "readonly" in text or "unable to open" in text:
        return "the file can’t be written. Check its rights and those of its folder, or give another one with --store"
    if "locked" in text:
        return "another program is using the file. mlpviz tries again by itself"
    if "malformed" in text or "not a database" in text:
        return "the file is damaged. It was not changed. Move it away, or give another one with --store"
    return f"there was an error ({type(error).__name__}: {text})"
