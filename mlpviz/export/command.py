"""The command `mlpviz export`: a saved run as a file, without a page."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlpviz import options
from mlpviz.backend.saved import codec
from mlpviz.datasets import load_dataset
from mlpviz.export.html import film_page
from mlpviz.export.pictures import animated
from mlpviz.export.tensorboard import write_events
from mlpviz.film import Roll
from mlpviz.idx import DatasetError
from mlpviz.runs.publishing import take_film
from mlpviz.runs.run import Run
from mlpviz.runs.saving import bring_back, settings_of
from mlpviz.state import SavedRun
from mlpviz.store.codec import UnreadableError
from mlpviz.store.reading import NoRunError, list_runs, read_run
from mlpviz.store.schema import ForeignFileError, NewerFileError

WIDTH = 40  # characters of the progress bar
MOST = 20  # runs in the list

Writer = Callable[[Roll, str], object]  # writes the film of a run, which is called so


class ExportError(ValueError):
    """The run can't be exported; the message says what to do."""


def export(wanted: str, to: str) -> int:
    """Write the saved run into a file, or list all saved runs if none is wanted. Returns the exit status."""
    path = options.store_file()
    try:
        if path is None:
            raise ExportError("Runs are not saved (--store none). Name their file: --store FILE.")
        if not wanted:
            print("\n".join(_listed(list_runs(path, codec()))) or "No run is saved yet. Train one on the page first.")
            return 0
        write = _writer(to)
        saved, name = read_run(path, codec(), wanted)
        run = bring_back(saved, load_dataset(settings_of(saved.state).dataset))
        assert isinstance(run, Run)
        _write(write, take_film(run), name, Path(to))
        print(f"{to}: {name or wanted}, {run.step:,} steps")
    except NoRunError as error:
        print(f"{error} “mlpviz export” without a name lists all saved runs.", file=sys.stderr)
    except NewerFileError:
        print("The file of saved runs is of a newer version of mlpviz. Update mlpviz.", file=sys.stderr)
    except (ForeignFileError, sqlite3.DatabaseError):
        print(f"{path} is no file of mlpviz, or it is damaged. Give another one: --store FILE.", file=sys.stderr)
    except OSError as error:
        print(f"{path} can’t be read ({error.strerror}). Give another one: --store FILE.", file=sys.stderr)
    except (ExportError, UnreadableError, DatasetError) as error:
        print(error, file=sys.stderr)
    else:
        return 0
    return 2


def _listed(runs: list[SavedRun]) -> list[str]:
    """A line for each run."""
    lines = []
    for run in runs[:MOST]:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.saved_at))
        tested = f", test accuracy {100 * run.evaluation[1]:.1f} %" if run.evaluation else ""
        rate = f"learning rate {run.settings.learning_rate:g}, batch {run.settings.batch_size}"
        lines.append(f"{run.id}  {when}  {run.name or rate}: {run.step:,} of {run.total_steps:,} steps{tested}")
    more = len(runs) - MOST
    return [*lines, f"and {more} older ones"] if more > 0 else lines


def _writer(to: str) -> Writer:
    """How to write the file: this follows from the ending of its name.

    Raises:
        ExportError: there is no such kind of file, or the file exists already.
    """
    path = Path(to)
    if not to or (path.exists() and (path.suffix or not path.is_dir())):
        raise ExportError(f"{to} exists already. Give another name: -o FILE." if to else "Name the file: -o FILE.")
    match path.suffix.lower():
        case ".html":
            return lambda roll, name: path.write_bytes(film_page(roll, name, progress=_progress))
        case ".gif":
            return lambda roll, name: path.write_bytes(animated(roll))
        case "":
            return lambda roll, name: write_events(roll, path)
    raise ExportError(
        f"mlpviz can’t write a file that ends in {path.suffix}. Use .html for a film, .gif for the pictures of the "
        "first layer, or the name of a folder for TensorBoard."
    )


def _write(write: Writer, roll: Roll, name: str, to: Path) -> None:
    try:
        write(roll, name)
    except FileExistsError as error:
        raise ExportError(str(error)) from error
    except OSError as error:
        raise ExportError(f"{to} can’t be written ({error.strerror}). Give another place: -o FILE.") from error


def _progress(done: float) -> None:
    """A bar on a terminal."""
    if sys.stderr.isatty():
        bar = "█" * round(WIDTH * done)
        print(f"\r{bar:░<{WIDTH}} {100 * done:3.0f} %", end="\n" if done == 1 else "", file=sys.stderr, flush=True)
