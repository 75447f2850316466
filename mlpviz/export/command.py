"""The command `mlpviz export`: a saved run as a file, without a page."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

from mlpviz import options
from mlpviz.backend.saved import codec
from mlpviz.datasets import load_dataset
from mlpviz.export.html import film_page
from mlpviz.export.pictures import animated
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


class ExportError(ValueError):
    """The run can't be exported; the message says what to do."""


def export(wanted: str, to: str) -> int:
    """Write the saved run into a file, or list all saved runs if none is wanted. Returns the exit status."""
    try:
        path = options.store_file()
        if path is None:
            raise ExportError("Runs are not saved (--store none). Name their file: --store FILE.")
        if not wanted:
            print("\n".join(_listed(list_runs(path, codec()))) or "No run is saved yet. Train one on the page first.")
            return 0
        _write(_taken(path, wanted), wanted, Path(to))
    except NoRunError as error:
        print(f"{error} “mlpviz export” without a name lists all saved runs.", file=sys.stderr)
    except NewerFileError:
        print("The file of saved runs is of a newer version of mlpviz. Update mlpviz.", file=sys.stderr)
    except (ForeignFileError, sqlite3.Error):
        print(f"{path} is no file of mlpviz, or it is damaged. Give another one: --store FILE.", file=sys.stderr)
    except (ExportError, UnreadableError, DatasetError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{to} can’t be written ({error.strerror}). Give another place: -o FILE.", file=sys.stderr)
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


def _taken(path: Path, wanted: str) -> tuple[Roll, str]:
    """The film of a saved run, and what the run is called."""
    saved = read_run(path, codec(), wanted)
    run = bring_back(saved, load_dataset(settings_of(saved.state).dataset))
    assert isinstance(run, Run)
    name = next(each.name for each in list_runs(path, codec()) if each.id == saved.id)
    return take_film(run), name


def _write(taken: tuple[Roll, str], wanted: str, to: Path) -> None:
    """The kind of file follows from the ending of its name."""
    roll, name = taken
    if to.suffix == ".html":
        to.write_bytes(film_page(roll, name, progress=_progress))
    elif to.suffix == ".gif":
        to.write_bytes(animated(roll))
    elif not to.suffix:
        from mlpviz.export.tensorboard import write_events

        write_events(roll, to)
    else:
        raise ExportError(
            f"mlpviz can’t write a file that ends in {to.suffix}. Use .html for a film, .gif for the pictures of the "
            "first layer, or the name of a folder for TensorBoard."
        )
    moments = len(roll.moments) + 1
    print(f"{to}: {wanted}, {moments} moments from step 0 to step {roll.now.step:,}")


def _progress(done: float) -> None:
    """A bar on a terminal."""
    if sys.stderr.isatty():
        bar = "█" * round(WIDTH * done)
        print(f"\r{bar:░<{WIDTH}} {100 * done:3.0f} %", end="\n" if done == 1 else "", file=sys.stderr, flush=True)
