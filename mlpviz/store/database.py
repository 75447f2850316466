"""The SQLite file of saved runs: its rows, and which server has which run."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlpviz.store.schema import bring_up_to_date, check

BUSY = 5.0  # seconds to wait for another process that writes
SEEN = 15.0  # seconds after which a server that says nothing is gone
SUSPENDED = 600.0  # the same, if its process still exists on this machine
UNDO = 3600.0  # seconds for which a deleted run can come back
FORGOTTEN = 180 * 24 * 3600.0  # seconds after which a run that nobody has opened is removed

HERE: set[str] = set()  # the servers in this process


class ElsewhereError(Exception):
    """Another server has this task in memory."""


@dataclass(frozen=True)
class Row:
    """A saved task, as bytes.

    Attributes:
        about, state: encoded. name, note: what the visitor has written.
        made_at, saved_at: seconds since 1970.
        elsewhere: whether another server has it in memory.
    """

    id: str
    owner: str
    token: str
    kind: str
    about: bytes | None
    state: bytes
    size: int = 0
    made_at: float = 0.0
    saved_at: float = 0.0
    name: str = ""
    note: str = ""
    elsewhere: bool = False


class Database:
    """One file. Every method may be called from any thread.

    Raises:
        sqlite3.Error, OSError: the file can't be opened, read or written. Every method may raise them.
        NewerFileError, ForeignFileError: it is not a file of this version; it is not changed.
    """

    def __init__(self, path: Path) -> None:
        new = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        if new:
            path.parent.chmod(0o700)
        check(path)
        if not path.exists():
            path.touch(mode=0o600)  # nobody else on this machine may read it
        self.server = secrets.token_urlsafe(9)
        self._locks = (threading.Lock(), threading.Lock())
        with contextlib.ExitStack() as opened:
            self._writing, self._reading = (opened.enter_context(contextlib.closing(_open(path))) for _ in range(2))
            bring_up_to_date(self._writing)
            HERE.add(self.server)
            opened.callback(HERE.discard, self.server)
            self.beat()
            opened.pop_all()

    def close(self) -> None:
        """Let go of all runs, and close the file."""
        HERE.discard(self.server)
        try:
            with self._write() as connection:
                connection.execute("UPDATE tasks SET server = NULL WHERE server = ?", [self.server])
                connection.execute("DELETE FROM servers WHERE id = ?", [self.server])
        finally:
            for lock, connection in zip(self._locks, (self._writing, self._reading), strict=True):
                with lock:
                    connection.close()

    # writing

    def put(self, row: Row, names: frozenset[str], piece: Callable[[str], bytes], known: bool) -> bool:
        """Write a task, in one transaction. This server has it from then on.

        Args:
            names: of all its pieces; others are removed. piece: gives one, to write those that are new.
            known: whether it was in the file before. If it no longer is, somebody has removed it: then nothing is
                written, and False is returned.

        Raises:
            ElsewhereError: another server has it.
        """
        with self._write() as connection:
            found = connection.execute("SELECT server FROM tasks WHERE id = ?", [row.id]).fetchone()
            if found is None and known:
                return False
            if found is not None and found[0] in self._others(connection):
                raise ElsewhereError
            connection.execute(
                "INSERT INTO tasks (id, owner, token, kind, about, state, size, made_at, saved_at, server) "
                "VALUES (:id, :owner, :token, :kind, :about, :state, 0, :now, :now, :server) ON CONFLICT (id) "
                "DO UPDATE SET token = :token, about = :about, state = :state, saved_at = :now, server = :server",
                {**vars(row), "now": time.time(), "server": self.server},
            )
            before = {name for (name,) in connection.execute("SELECT name FROM pieces WHERE task = ?", [row.id])}
            connection.executemany("DELETE FROM pieces WHERE name = ?", [(name,) for name in before - names])
            new = [(name, row.id, piece(name)) for name in sorted(names - before)]
            connection.executemany("INSERT INTO pieces VALUES (?, ?, ?)", new)
            connection.execute(
                "UPDATE tasks SET size = length(state) + "
                "(SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE task = :id) WHERE id = :id",
                {"id": row.id},
            )
            return True

    def take(self, task: str, owner: str) -> tuple[Row, dict[str, bytes]] | None:
        """A visitor's own task with its pieces. This server has it from then on. None if there is none.

        Raises:
            ElsewhereError: another server has it.
        """
        with self._write() as connection:
            query = f"SELECT {COLUMNS}, state FROM tasks WHERE id = ? AND owner = ? AND deleted_at IS NULL"
            found = connection.execute(query, [task, owner]).fetchone()
            if found is None:
                return None
            *values, server, state = found
            if server in self._others(connection):
                raise ElsewhereError
            connection.execute("UPDATE tasks SET server = ? WHERE id = ?", [self.server, task])
            pieces = dict(connection.execute("SELECT name, data FROM pieces WHERE task = ?", [task]).fetchall())
            return _row(values, state), pieces

    def let_go(self, task: str) -> None:
        """Say that the task is no longer in memory."""
        self._change("UPDATE tasks SET server = NULL WHERE id = ? AND server = ?", task, self.server)

    def write_words(self, task: str, owner: str, name: str, note: str) -> None:
        """Set the name and the note of a visitor's own run."""
        self._change("UPDATE tasks SET name = ?, note = ? WHERE id = ? AND owner = ?", name, note, task, owner)

    def delete(self, task: str, owner: str, deleted: bool = True) -> None:
        """Delete a visitor's own task, or bring it back. It can come back for an hour."""
        when = time.time() if deleted else None
        self._change("UPDATE tasks SET deleted_at = ? WHERE id = ? AND owner = ?", when, task, owner)

    def remove(self, task: str, owner: str) -> None:
        """Remove a visitor's own task for good."""
        self._change("DELETE FROM tasks WHERE id = ? AND owner = ?", task, owner)

    def forget(self, owner: str) -> None:
        """Remove everything of a visitor, and overwrite it in the file."""
        with self._write() as connection:
            connection.execute("DELETE FROM tasks WHERE owner = ?", [owner])
            connection.execute("DELETE FROM memories WHERE owner = ?", [owner])
        with self._locks[0]:
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remember(self, owner: str, name: str, value: str) -> None:
        """Keep a text under a name."""
        self._change("INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?)", owner, name, value, time.time())

    def beat(self) -> None:
        """Say that this server is alive, and tidy up."""
        now = time.time()
        row = (self.server, socket.gethostname(), os.getpid(), now)
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?)", row)
            connection.execute("DELETE FROM servers WHERE seen_at < ?", [now - 2 * SUSPENDED])
            connection.execute("DELETE FROM tasks WHERE deleted_at < ?", [now - UNDO])
            connection.execute("DELETE FROM tasks WHERE saved_at < ?", [now - FORGOTTEN])
            connection.execute("DELETE FROM memories WHERE kept_at < ?", [now - FORGOTTEN])

    def make_room(self, owner: str, spared: str, most_runs: int, most_bytes: int) -> None:
        """If a visitor has more than this, remove something: first what was deleted, then pins, then the oldest runs;
        those with a name or a note last. What a server has in memory stays."""
        with self._write() as connection:
            others = self._others(connection)
            found = connection.execute(
                "SELECT id, size, kind <> 'pin', server FROM tasks WHERE owner = ? ORDER BY deleted_at IS NULL, "
                "kind <> 'pin', name || note != '', saved_at",
                [owner],
            ).fetchall()
            runs, size = sum(is_run for _, _, is_run, _ in found), sum(size for _, size, _, _ in found)
            for task, its_size, is_run, server in found:
                if runs <= most_runs and size <= most_bytes:
                    return
                if task != spared and server != self.server and server not in others:
                    connection.execute("DELETE FROM tasks WHERE id = ?", [task])
                    runs, size = runs - is_run, size - its_size

    # reading

    def with_token(self, token: str) -> tuple[str, str] | None:
        """The id and the owner of the task that was saved last with this token."""
        query = "SELECT id, owner FROM tasks WHERE token = ? AND deleted_at IS NULL ORDER BY saved_at DESC"
        return next(iter(self._all(query, token)), None)

    def runs(self, owner: str) -> list[Row]:
        """The saved runs and maps of a visitor, the latest first, without their states."""
        where = "owner = ? AND kind <> 'pin' AND deleted_at IS NULL ORDER BY saved_at DESC"
        with self._locks[1]:
            found = self._reading.execute(f"SELECT {COLUMNS} FROM tasks WHERE {where}", [owner]).fetchall()
            others = self._others(self._reading)
        return [_row(values, b"", server in others) for *values, server in found]

    def usage(self, owner: str) -> tuple[int, int]:
        """How many runs of a visitor are saved, and how many bytes all that is saved of them takes."""
        query = "SELECT coalesce(sum(kind <> 'pin' AND deleted_at IS NULL), 0), coalesce(sum(size), 0) FROM tasks"
        runs, size = self._all(f"{query} WHERE owner = ?", owner)[0]
        return runs, size

    def recall(self, owner: str, name: str) -> str | None:
        """The text that was kept under this name."""
        found = self._all("SELECT value FROM memories WHERE owner = ? AND name = ?", owner, name)
        return str(found[0][0]) if found else None

    def recall_all(self, name: str) -> dict[str, str]:
        """The texts of all owners that were kept under this name, by owner."""
        return dict(self._all("SELECT owner, value FROM memories WHERE name = ?", name))

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._locks[1]:
            return self._reading.execute(query, values).fetchall()

    def _change(self, query: str, *values: object) -> None:
        with self._write() as connection:
            connection.execute(query, values)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with self._locks[0]:
            self._writing.execute("BEGIN IMMEDIATE")
            try:
                yield self._writing
                self._writing.execute("COMMIT")
            except BaseException:
                if self._writing.in_transaction:  # SQLite itself rolls back if the disk is full
                    self._writing.execute("ROLLBACK")
                raise

    def _others(self, connection: sqlite3.Connection) -> set[str]:
        """The ids of the other servers that are at work."""
        found = connection.execute("SELECT id, host, pid, seen_at FROM servers WHERE id != ?", [self.server])
        return {server for server, host, pid, seen_at in found if _lives(server, host, pid, seen_at)}


COLUMNS = "id, owner, token, kind, about, size, made_at, saved_at, name, note, server"


def _row(values: list[Any], state: bytes, elsewhere: bool = False) -> Row:
    names = [name for name in COLUMNS.split(", ") if name != "server"]
    return Row(**dict(zip(names, values, strict=True)), state=state, elsewhere=elsewhere)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _lives(server: str, host: str, pid: int, seen_at: float) -> bool:
    """Whether a server is still at work, by its latest sign of life. If it was on this machine, ask the system, too."""
    age = time.time() - seen_at
    if host != socket.gethostname() or os.name == "nt":  # on Windows, this question would end the process
        return age < SEEN
    if pid == os.getpid():
        return server in HERE  # if not: an earlier process with the same number, as in a container
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it exists, and belongs to somebody else
    return age < SUSPENDED
