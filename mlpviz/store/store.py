"""Saved runs: what the server asks of them. A thread writes, so that training doesn't wait for the disk."""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

from mlpviz.runs.saving import RUN, Saved
from mlpviz.state import SavedRun
from mlpviz.store.codec import Codec, UnreadableError
from mlpviz.store.database import Database, Row
from mlpviz.store.schema import NewerFileError

MOST_RUNS = 200  # saved, of one visitor
MOST_BYTES = 500 * 10**6  # of one visitor
BEAT = 5.0  # seconds between two signs of life
AGAIN = 30.0  # seconds until a file that could not be opened is tried again
LAST = 5.0  # seconds to wait for the last writes when the server ends

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Store:
    """The saved runs of all visitors in one file. Every method may be called from any thread.

    An error of the file never reaches the caller: `trouble` says it in a sentence, and training continues.

    Args:
        path: of the file. codec: writes and reads a state.

    Attributes:
        trouble: why runs can't be saved now, for the reader; empty if all is well.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self.path = path
        self.trouble = ""
        self._codec = codec
        self._database: Database | None = None
        self._opening = threading.Lock()
        self._tried_at = -AGAIN
        self._names: WeakKeyDictionary[object, str] = WeakKeyDictionary()
        self._waiting: dict[str, Saved] = {}  # the newest of each task
        self._gone: set[str] = set()  # tasks that are no longer in memory
        self._news = threading.Condition()
        self._writing = ""  # the id of the task that is being written
        self._closing = False
        self._open()
        self._thread = threading.Thread(target=self._work, name="mlpviz-store", daemon=True)
        self._thread.start()

    # what is written later

    def keep(self, saved: Saved) -> None:
        """Write the task soon, in the place of its older state."""
        with self._news:
            self._waiting[saved.id] = saved
            self._gone.discard(saved.id)
            self._news.notify_all()

    def let_go(self, task: str) -> None:
        """The task is no longer in memory, once what waits of it is written."""
        with self._news:
            self._gone.add(task)
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
        """The saved task of this visitor, which this server has from now on. None if there is none, if it can't be
        read, or if another server has it."""
        self.finish(task)
        row = self._try(lambda database: database.get(task), None)
        if row is None or row.owner != owner or not self._try(lambda database: database.claim(task), False):
            return None
        nothing: dict[str, bytes] = {}
        pieces = self._try(lambda database: database.pieces(task), nothing)
        try:
            state = self._codec.decode(row.state, lambda name: self._piece(name, pieces[name]))
        except UnreadableError as error:
            self._say(error)
            self._try(lambda database: database.let_go(task), None)
            return None
        return Saved(row.id, row.owner, row.token, row.kind, self._about(row), state)

    def with_token(self, token: str) -> tuple[str, str] | None:
        """The id and the owner of the task that was saved last with this token."""
        return self._try(lambda database: database.with_token(token), None)

    def about(self, owner: str) -> list[SavedRun]:
        """The saved runs of a visitor, the latest first."""
        rows: list[Row] = self._try(lambda database: database.runs(owner), [])
        return [about for about in map(self._about, rows) if about is not None]

    def usage(self, owner: str) -> tuple[int, int]:
        """How many runs of a visitor are saved, and how many bytes they take."""
        return self._try(lambda database: database.usage(owner), (0, 0))

    def write_words(self, task: str, owner: str, name: str, note: str) -> None:
        """Set the name and the note of a visitor's own run."""
        self.finish(task)
        self._try(lambda database: database.write_words(task, owner, name, note), None)

    def delete(self, task: str, owner: str, deleted: bool = True) -> None:
        """Delete a visitor's own task, or bring it back: that is possible for an hour."""
        self.finish(task)
        self._try(lambda database: database.delete(task, owner, deleted), None)

    def drop(self, task: str, owner: str) -> None:
        """Remove a visitor's own task for good."""
        with self._news:
            self._waiting.pop(task, None)
        self.finish(task)
        self._try(lambda database: database.remove(task, owner), None)

    def forget(self, owner: str) -> None:
        """Remove everything of a visitor for good."""
        self.finish()
        self._try(lambda database: database.forget(owner), None)

    def remember(self, owner: str, name: str, value: str) -> None:
        """Keep a text of a visitor under a name."""
        self._try(lambda database: database.remember(owner, name, value), None)

    def recall(self, owner: str, name: str) -> str | None:
        """The text that was kept under this name."""
        return self._try(lambda database: database.recall(owner, name), None)

    # inside

    def _piece(self, name: str, data: bytes) -> object:
        piece = self._codec.decode(data)
        self._names[piece] = name
        return piece

    def _about(self, row: Row) -> SavedRun | None:
        if row.about is None:
            return None
        try:
            about: SavedRun = self._codec.decode(row.about)
        except UnreadableError:
            log.warning("the description of the saved run %s can't be read", row.id)
            return None
        return replace(
            about, made_at=row.made_at, saved_at=row.saved_at, name=row.name, note=row.note, elsewhere=row.elsewhere
        )

    def _busy(self, task: str) -> bool:
        if not task:
            return bool(self._waiting or self._gone or self._writing)
        return task in self._waiting or task in self._gone or task == self._writing

    def _work(self) -> None:
        """The writing thread: what waits, and a sign of life every five seconds."""
        beaten = time.monotonic()
        while True:
            with self._news:
                if not (self._waiting or self._gone or self._closing):
                    self._news.wait(BEAT)
                saved = self._waiting.pop(next(iter(self._waiting))) if self._waiting else None
                gone = next((task for task in self._gone if task not in self._waiting), "") if saved is None else ""
                self._writing = saved.id if saved is not None else gone
            if saved is not None:
                self._write(saved)
            elif gone:
                self._try(lambda database, gone=gone: database.let_go(gone), None)  # type: ignore[misc]
            with self._news:
                self._writing = ""
                self._gone.discard(gone)
                self._news.notify_all()
                if self._closing and not (self._waiting or self._gone):
                    return
            if time.monotonic() - beaten >= BEAT:
                beaten = time.monotonic()
                self._try(Database.beat, None)

    def _write(self, saved: Saved) -> None:
        """Write one task. If it fails, the next save of the run tries again."""
        try:
            row, pieces = self._row(saved)
        except Exception as error:  # a value that nobody taught the codec
            log.exception("run %s can't be saved", saved.id)
            self._say(error)
            return

        def put(database: Database) -> bool:
            database.put(row, frozenset(pieces), lambda name: self._codec.encode(pieces[name]))
            if saved.kind == RUN:
                self._make_room(database, saved)
            return True

        if self._try(put, False):
            self.trouble = ""

    def _row(self, saved: Saved) -> tuple[Row, dict[str, object]]:
        """The task as bytes, and by name the pieces that are written once, because they never change."""
        pieces: dict[str, object] = {}

        def refer(piece: object) -> str:
            name = self._names.setdefault(piece, secrets.token_urlsafe(9))
            pieces[name] = piece
            return name

        state = self._codec.encode(saved.state, refer)
        about = self._codec.encode(saved.about) if saved.about is not None else None
        return Row(saved.id, saved.owner, saved.token, saved.kind, about, state), pieces

    def _make_room(self, database: Database, saved: Saved) -> None:
        """If a visitor has too much, remove the oldest runs that have neither a name nor a note."""
        runs, size = database.usage(saved.owner)
        if runs <= MOST_RUNS and size <= MOST_BYTES:
            return
        for row in reversed(database.runs(saved.owner)):
            if row.id == saved.id or row.name or row.note or row.elsewhere:
                continue
            database.remove(row.id, row.owner)
            runs, size = runs - 1, size - row.size
            if runs <= MOST_RUNS and size <= MOST_BYTES:
                return

    def _open(self) -> None:
        """Open the file, if it is not open. A file that can't be opened is tried again later."""
        with self._opening:
            if self._database is not None or self._closing or time.monotonic() - self._tried_at < AGAIN:
                return
            self._tried_at = time.monotonic()
            with self._said():
                self._database = Database(self.path)
                self.trouble = ""

    def _try(self, act: Callable[[Database], Answer], otherwise: Answer) -> Answer:
        """What `act` returns, or `otherwise` if the file does not answer. Then `trouble` says why."""
        self._open()
        database = self._database
        if database is None:
            return otherwise
        with self._said():
            return act(database)
        return otherwise

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, NewerFileError, OSError) as error:
            self._say(error)

    def _say(self, error: Exception) -> None:
        trouble = in_words(error, self.path)
        if trouble != self.trouble:
            log.warning("%s (%s: %s)", trouble, type(error).__name__, error)
        self.trouble = trouble


def in_words(error: Exception, path: Path) -> str:
    """What is wrong with the file of saved runs, and what to do, in sentences for the reader."""
    text = str(error)
    if isinstance(error, NewerFileError):
        why = "a newer version of mlpviz made it. Update mlpviz, or give another file with --store"
    elif isinstance(error, UnreadableError):
        why = f"{text}. It was not changed"
    elif "full" in text or "No space" in text:
        why = "the disk is full. Free some space; the next save then works by itself"
    elif "readonly" in text or "Permission" in text or "unable to open" in text or "Read-only" in text:
        why = "it can’t be written. Check the rights of the file and its folder, or give another one with --store"
    elif "locked" in text:
        why = "another program is using it. The next save tries again"
    elif "malformed" in text or "not a database" in text:
        why = "it is damaged or is no file of mlpviz. It was not changed. Move it away, or give another with --store"
    else:
        why = f"of an error ({type(error).__name__}: {text})"
    return f"Runs can’t be saved in {path.name} now, because {why}. Training continues."
