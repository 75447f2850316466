"""Download a full dataset with torchvision, in a separate process. You can watch it and cancel it.

The files first arrive in a temporary folder. So there is never an incomplete file where datasets are searched.
`python -m mlpviz.download NAME FOLDER` is the process. In the server, a `Download` owns it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from mlpviz.catalog import CATALOG
from mlpviz.datasets import DatasetError, load_dataset

#: The total size of the four compressed files, in bytes.
SIZES = {"fashion-mnist": 30_878_645, "mnist": 11_594_722, "kmnist": 21_240_875}
PREFIX = ".download-"  # of the temporary folders for downloads
LEFT_OVER = 24 * 3600.0  # seconds without a change, after which such a folder is no longer needed
WORKER = (sys.executable, "-m", "mlpviz.download")


class State(StrEnum):
    """The state of a download."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Download:
    """One download. It starts at once. Its `state` is first RUNNING, then one of the others.

    Args:
        by: the visitor who started it. Only this visitor may cancel it.
        root: the complete dataset is put into `<root>/FashionMNIST/raw` at the end.
        worker: the command that downloads. Its arguments are the name and a folder.
    """

    def __init__(self, name: str, root: Path | str = "data", worker: Sequence[str] = WORKER, by: str = "") -> None:
        self.name, self.by = name, by
        self.state = State.RUNNING
        self.message = ""
        self._root = Path(root)
        self._root.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(self._root)
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._root))
        self._process = subprocess.Popen(
            [*worker, name, str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._thread = threading.Thread(target=self._finish, name=f"mlpviz-download-{name}", daemon=True)
        self._thread.start()

    def progress(self) -> float:
        """The share of the bytes that have arrived, 0 to 1."""
        if self.state != State.RUNNING:
            return float(self.state == State.DONE)
        try:
            come = sum(file.stat().st_size for file in self._folder.rglob("*.gz"))
        except OSError:  # the folder is being moved into place now
            return 1.0
        return min(1.0, come / SIZES[self.name])

    def cancel(self) -> None:
        """Stop it and remove what has arrived so far."""
        if self.state == State.RUNNING:
            self.state = State.CANCELLED
            self._process.kill()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the download has ended, with or without success."""
        self._thread.join(timeout)

    def _finish(self) -> None:
        _, errors = self._process.communicate()
        try:
            if self.state == State.CANCELLED:
                return
            if self._process.returncode:
                raise DatasetError(f"The download failed: {_last_line(errors)}")
            self._move_into_place()
            self.state = State.DONE
        except (DatasetError, OSError) as error:
            self.message = str(error)
            self.state = State.FAILED
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _move_into_place(self) -> None:
        """Read the dataset once to check it. Then rename its folder: this happens completely or not at all."""
        fetched = self._folder / folder_name(self.name)
        load_dataset(self.name, fetched / "raw")
        place = self._root / folder_name(self.name)
        shutil.rmtree(place, ignore_errors=True)
        fetched.rename(place)


class Downloads:
    """The downloads of this server, at most one at a time for each dataset. Any thread may use this."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Download] = {}

    def latest(self, name: str) -> Download | None:
        """The latest download of the dataset, or None."""
        return self._by_name.get(name)

    def begin(self, name: str, by: str) -> Download:
        """Download a dataset. If a download is already running, return it.

        Raises:
            OSError: the data folder can't be written to.
        """
        with self._lock:
            running = self._by_name.get(name)
            if running is None or running.state != State.RUNNING:
                self._by_name[name] = running = Download(name, by=by)
            return running

    def close(self) -> None:
        """Stop all downloads and remove what has arrived so far."""
        with self._lock:
            for download in self._by_name.values():
                download.cancel()
            for download in self._by_name.values():
                download.wait(1.0)


DOWNLOADS = Downloads()


def fetch(name: str, folder: Path | str) -> None:
    """Download and unpack a dataset with torchvision, to `<folder>/<its name>/raw`.

    Raises:
        DatasetError: torchvision can't be used, the download failed, or the files are not the right ones.
    """
    try:
        import torchvision  # takes seconds
    except (ImportError, RuntimeError) as error:  # RuntimeError: it doesn't fit the installed torch
        raise DatasetError(
            f"Downloads need torchvision, but it can't be used here ({_first_line(error)}). Install the version that "
            "fits your torch: pip install 'mlpviz[download]'."
        ) from error
    try:
        getattr(torchvision.datasets, folder_name(name))(folder, download=True)
    except (OSError, RuntimeError, EOFError) as error:
        raise DatasetError(
            f"{_first_line(error)} Check the network connection, or put the four files into "
            f"data/{folder_name(name)}/raw yourself."
        ) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def folder_name(name: str) -> str:
    """The name that torchvision uses for the dataset: its class, and the folder with the download."""
    folder = CATALOG[name].torchvision_name
    assert folder is not None, f"{name} ships with mlpviz"
    return folder


def main(arguments: Sequence[str]) -> int:
    name, folder = arguments
    try:
        fetch(name, folder)
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _remove_leftovers(root: Path) -> None:
    """Remove the folders of old downloads whose server was killed: nothing in them has changed for a long time."""
    for folder in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else has just removed it
            if time.time() - folder.stat().st_mtime > LEFT_OVER:
                shutil.rmtree(folder, ignore_errors=True)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the downloader stopped without an error message."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
