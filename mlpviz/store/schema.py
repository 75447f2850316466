"""The tables of the file of saved runs, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3

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


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables of this version, from an empty file or an older one. Each step is a transaction.

    Raises:
        NewerFileError: the file is newer than this program. It is not changed.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise NewerFileError
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
