"""Reading saved runs from the file without a server: nothing is changed, and a server may have it open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from mlpviz.runs.saving import RUN, Saved
from mlpviz.state import SavedRun
from mlpviz.store.codec import Codec
from mlpviz.store.schema import check

OWN = f"kind = '{RUN}' AND deleted_at IS NULL ORDER BY saved_at DESC"


class NoRunError(LookupError):
    """There is no such run; the message says which there are."""


def list_runs(path: Path, codec: Codec) -> list[SavedRun]:
    """All saved runs in the file, of all visitors, the latest first.

    Raises:
        sqlite3.Error, NewerFileError, ForeignFileError: the file can't be read.
    """
    with _opened(path) as connection:
        rows = connection.execute(f"SELECT about, name, note, made_at, saved_at FROM tasks WHERE {OWN}").fetchall()
    return [
        replace(codec.decode(about), name=name, note=note, made_at=made_at, saved_at=saved_at)
        for about, name, note, made_at, saved_at in rows
    ]


def read_run(path: Path, codec: Codec, wanted: str) -> tuple[Saved, str]:
    """A saved run, by its name, or by its id or the beginning of it; and its name.

    Raises:
        NoRunError: no run, or more than one, is called that. Others: as in `list_runs`.
    """
    runs = list_runs(path, codec)
    called = [run for run in runs if wanted in (run.name, run.id)] or [run for run in runs if run.id.startswith(wanted)]
    if len(called) != 1:
        raise NoRunError(f"{len(called) or 'No'} saved runs are called {wanted!r}.")
    query = "SELECT id, owner, token, kind, about, state FROM tasks WHERE id = ?"
    with _opened(path) as connection:
        row = connection.execute(query, [called[0].id]).fetchone()
        pieces = dict(connection.execute("SELECT name, data FROM pieces WHERE task = ?", [called[0].id]).fetchall())
    if row is None:
        raise NoRunError(f"The run {wanted!r} has just been deleted.")
    task, owner, token, kind, about, state = row
    found_state = codec.decode(state, lambda name: codec.decode(pieces[name]))
    return Saved(task, owner, token, kind, codec.decode(about), found_state), called[0].name


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise NoRunError(f"There is no file of saved runs at {path}. Train a run on the page first.")
    check(path)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")  # one moment, even if a server writes meanwhile
        yield connection
