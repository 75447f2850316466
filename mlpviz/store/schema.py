"""The tables of the file of saved runs, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

APPLICATION = 0x6D6C7076  # "mlpv": says in the file's header whose file it is

#: Each script makes the next version from the one before it. The file's `user_version` says how many were carried out.
#: Never change a script: add one.
MIGRATIONS = (
    """
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        token TEXT NOT NULL,
        kind TEXT NOT NULL,                -- run or pin
        about BLOB,                        -- a SavedRun, for lists
        state BLOB NOT NULL,
        size INTEGER NOT NULL,             -- bytes, with its pieces
        made_at REAL NOT NULL,             -- seconds since 1970
        saved_at REAL NOT NULL,
        name TEXT NOT NULL DEFAULT '',     -- what the visitor has written
        note TEXT NOT NULL DEFAULT '',
        deleted_at REAL,
        server TEXT                        -- which one has it in memory
    );
    CREATE INDEX tasks_of_owner ON tasks (owner, saved_at);
    CREATE INDEX tasks_of_token ON tasks (token);
    CREATE TABLE pieces (                  -- of states: what never changes, such as checkpoints
        name TEXT PRIMARY KEY,
        task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
        data BLOB NOT NULL
    );
    CREATE INDEX pieces_of_task ON pieces (task);
    CREATE TABLE memories (                -- what a page remembers, such as its pins
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        kept_at REAL NOT NULL,
        PRIMARY KEY (owner, name)
    );
    CREATE TABLE servers (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        seen_at REAL NOT NULL
    );
    """,
)


class NewerFileError(Exception):
    """A newer version of mlpviz made this file."""


class ForeignFileError(Exception):
    """Another program made this file."""


def check(path: Path) -> None:
    """Look whose file it is, without changing it.

    Raises:
        ForeignFileError: another program made it. NewerFileError: a newer version of mlpviz made it.
    """
    if not path.exists() or not path.stat().st_size:
        return
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()
    if application != APPLICATION and (application or version or tables):
        raise ForeignFileError
    if version > len(MIGRATIONS):
        raise NewerFileError


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables of this version, from an empty file or an older one, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
