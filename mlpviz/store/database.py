"""The SQLite file of saved runs: its rows, and which server has which run."""

from __future__ import annotations

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

from mlpviz.store.schema import bring_up_to_date

BUSY = 5.0  # seconds to wait for another process that writes
SEEN = 15.0  # seconds after which a server that says nothing is gone
UNDO = 3600.0  # seconds for which a deleted run can come back

HERE: set[str] = set()  # the servers in this process


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
        sqlite3.Error: the file can't be opened, read or written. Every method may raise it.
        NewerFileError: a newer version of mlpviz made the file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.server = secrets.token_urlsafe(9)
        HERE.add(self.server)
        self._locks = (threading.Lock(), threading.Lock())
        self._writing, self._reading = _open(path), _open(path)
        bring_up_to_date(self._writing)
        self.beat()

    def close(self) -> None:
        """Let go of all runs, and close the file."""
        HERE.discard(self.server)
        with self._write() as connection:
            connection.execute("UPDATE tasks SET server = NULL WHERE server = ?", [self.server])
            connection.execute("DELETE FROM servers WHERE id = ?", [self.server])
        for lock, connection in zip(self._locks, (self._writing, self._reading), strict=True):
            with lock:
                connection.close()

    # writing

    def put(self, row: Row, names: frozenset[str], piece: Callable[[str], bytes]) -> None:
        """Write a task, in one transaction. This server has it from now on.

        Args:
            names: of all its pieces; others are removed. piece: gives one, to write those that are new.
        """
        with self._write() as connection:
            now = time.time()
            connection.execute(
                "INSERT INTO tasks (id, owner, token, kind, about, state, size, made_at, saved_at, server) "
                "VALUES (:id, :owner, :token, :kind, :about, :state, 0, :now, :now, :server) "
                "ON CONFLICT (id) DO UPDATE SET token = :token, about = :about, state = :state, saved_at = :now, "
                "server = :server, deleted_at = NULL",
                {**vars(row), "now": now, "server": self.server},
            )
            known = self._piece_names(connection, row.id)
            connection.executemany("DELETE FROM pieces WHERE name = ?", [(name,) for name in known - names])
            new = [(name, row.id, piece(name)) for name in sorted(names - known)]
            connection.executemany("INSERT INTO pieces VALUES (?, ?, ?)", new)
            connection.execute(
                "UPDATE tasks SET size = length(state) + "
                "(SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE task = :id) WHERE id = :id",
                {"id": row.id},
            )

    def claim(self, task: str) -> bool:
        """Say that this server has the task in memory. False if another server has it."""
        with self._write() as connection:
            found = connection.execute("SELECT server FROM tasks WHERE id = ?", [task]).fetchone()
            if found is None or found[0] in self._others(connection):
                return False
            connection.execute("UPDATE tasks SET server = ? WHERE id = ?", [self.server, task])
            return True

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
        """Remove everything of a visitor."""
        self._change("DELETE FROM tasks WHERE owner = ?", owner)
        self._change("DELETE FROM memories WHERE owner = ?", owner)

    def remember(self, owner: str, name: str, value: str) -> None:
        """Keep a text under a name."""
        self._change("INSERT OR REPLACE INTO memories VALUES (?, ?, ?)", owner, name, value)

    def beat(self) -> None:
        """Say that this server is alive, and tidy up."""
        now = time.time()
        row = (self.server, socket.gethostname(), os.getpid(), now)
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?)", row)
            connection.execute("DELETE FROM tasks WHERE deleted_at < ?", [now - UNDO])
            connection.execute("DELETE FROM servers WHERE seen_at < ?", [now - 100 * SEEN])

    # reading

    def get(self, task: str) -> Row | None:
        """The saved task with this id."""
        return next(self._rows("id = ? AND deleted_at IS NULL", task), None)

    def with_token(self, token: str) -> tuple[str, str] | None:
        """The id and the owner of the task that was saved last with this token."""
        query = "SELECT id, owner FROM tasks WHERE token = ? AND deleted_at IS NULL ORDER BY saved_at DESC"
        return next(iter(self._all(query, token)), None)

    def runs(self, owner: str) -> list[Row]:
        """The saved runs of a visitor, the latest first, without their states."""
        return list(
            self._rows("owner = ? AND kind = 'run' AND deleted_at IS NULL ORDER BY saved_at DESC", owner, state="x''")
        )

    def usage(self, owner: str) -> tuple[int, int]:
        """How many runs of a visitor are saved, and how many bytes all that is saved of them takes."""
        query = "SELECT coalesce(sum(kind = 'run'), 0), coalesce(sum(size), 0) FROM tasks WHERE owner = ?"
        runs, size = self._all(query + " AND deleted_at IS NULL", owner)[0]
        return runs, size

    def pieces(self, task: str) -> dict[str, bytes]:
        """The saved pieces of a task, by name."""
        return dict(self._all("SELECT name, data FROM pieces WHERE task = ?", task))

    def recall(self, owner: str, name: str) -> str | None:
        """The text that was kept under this name."""
        found = self._all("SELECT value FROM memories WHERE owner = ? AND name = ?", owner, name)
        return str(found[0][0]) if found else None

    def _rows(self, where: str, value: str, state: str = "state") -> Iterator[Row]:
        columns = f"id, owner, token, kind, about, {state}, size, made_at, saved_at, name, note, server"
        found = self._all(f"SELECT {columns} FROM tasks WHERE {where}", value)
        with self._locks[1]:
            others = self._others(self._reading)
        for *values, server in found:
            yield Row(*values, server in others)  # type: ignore[call-arg]

    def _all(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
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
            except BaseException:
                if self._writing.in_transaction:  # SQLite itself rolls back if the disk is full
                    self._writing.execute("ROLLBACK")
                raise
            self._writing.execute("COMMIT")

    @staticmethod
    def _piece_names(connection: sqlite3.Connection, task: str) -> set[str]:
        return {name for (name,) in connection.execute("SELECT name FROM pieces WHERE task = ?", [task])}

    def _others(self, connection: sqlite3.Connection) -> set[str]:
        """The ids of the other servers that are at work."""
        found = connection.execute("SELECT id, host, pid, seen_at FROM servers WHERE id != ?", [self.server])
        return {server for server, host, pid, seen_at in found if _lives(server, host, pid, seen_at)}


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _lives(server: str, host: str, pid: int, seen_at: float) -> bool:
    """Whether a server is still at work, by its latest sign of life. If it was on this machine, ask the system, too."""
    if time.time() - seen_at > SEEN:
        return False
    if host != socket.gethostname() or os.name == "nt":  # on Windows, this question would end the process
        return True
    if pid == os.getpid():
        return server in HERE  # if not: an earlier process with the same number, as in a container
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
