"""Options of the server, read from environment variables. The command line sets the same variables."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

DATA = "MLPVIZ_DATA"  # a folder with full datasets
LESSONS = "MLPVIZ_LESSONS"  # a folder with a teacher's own lessons
THREADS = "MLPVIZ_THREADS"  # how many threads PyTorch uses; measured if it isn't given
FRAMES = "MLPVIZ_FRAMES"  # the sites that may show the page in a frame

STORE = "MLPVIZ_STORE"  # the file of saved runs
WORKERS = "MLPVIZ_WORKERS"  # how many processes train, with Ray
RAY = "MLPVIZ_RAY"  # the Ray cluster where they do

CLASS = "MLPVIZ_CLASS"  # whether to say at the start how to open a class
TEACHER = "MLPVIZ_TEACHER"  # the secret with which a teacher opens a class
SHORTEST_SECRET = 8  # characters

NO_STORE = "none"  # the value of this option that turns saving off
MOST_THREADS = 1024
MOST_WORKERS = 1024
CLUSTER = re.compile(r"auto|(\[[0-9a-f:]+\]|[a-z0-9.-]+):\d{1,5}", re.IGNORECASE)
OWN_LESSONS = Path("lessons")  # in the folder where mlpviz was started
SITE = re.compile(r"(https?://)?(\*\.)?[a-z0-9.-]+(:\d+)?|\*", re.IGNORECASE)


class OptionError(ValueError):
    """An option is not valid. The message is one or two sentences for a person."""


def data_folder() -> Path | None:
    """The folder with full datasets, or None if it isn't given."""
    named = os.environ.get(DATA, "")
    return Path(named) if named else None


def lessons_folder() -> Path:
    """The folder with a teacher's own lessons. The default folder does not have to exist."""
    named = os.environ.get(LESSONS, "")
    return Path(named) if named else OWN_LESSONS


def threads() -> int | None:
    """How many threads PyTorch uses, or None if it isn't given.

    Raises:
        OptionError: it isn't a number from 1 to 1,024.
    """
    return _variable(THREADS, f"The number of threads (--threads or {THREADS})", MOST_THREADS)


def workers() -> int | None:
    """How many worker processes train; None if it isn't given. Without workers, the server's own process trains.

    Raises:
        OptionError: it isn't a number from 1 to 1,024.
    """
    return _variable(WORKERS, f"The number of workers (--workers or {WORKERS})", MOST_WORKERS)


def ray_address() -> str:
    """The address of the Ray cluster where the workers are; empty for this machine.

    Raises:
        OptionError: it is no such address.
    """
    text = os.environ.get(RAY, "").strip()
    if text and not CLUSTER.fullmatch(text):
        raise OptionError(
            f"The address of the Ray cluster (--ray or {RAY}) is {text[:40]!r}. Give the name and the port of its "
            "head, such as 10.0.0.5:6379, or auto on a machine of the cluster."
        )
    return text


def has_workers() -> bool:
    """Whether worker processes train, and not the server's own process."""
    return workers() is not None or bool(ray_address())


def number(text: str, what: str, most: int) -> int:
    """A whole number from 1 to `most`.

    Raises:
        OptionError: the text is no such number; `what` says whose.
    """
    if text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= most:
        return int(text)
    raise OptionError(f"{what} is {text[:40]!r}. It must be a whole number from 1 to {most:,}.")


def _variable(name: str, what: str, most: int) -> int | None:
    """The same, from an environment variable; None if it isn't set."""
    text = os.environ.get(name, "").strip()
    return number(text, what, most) if text else None


def opens_class() -> bool:
    """Whether to say at the start how to open a class.

    Raises:
        OptionError: it is neither 1 nor 0.
    """
    text = os.environ.get(CLASS, "").strip()
    if text not in ("", "0", "1"):
        raise OptionError(f"{CLASS} is {text[:40]!r}. It must be 1 or 0.")
    return text == "1"


def teacher_secret() -> str:
    """The secret with which a teacher opens a class; empty if it isn't given. Then the server makes one.

    Raises:
        OptionError: it is too short.
    """
    text = os.environ.get(TEACHER, "").strip()
    if text and len(text) < SHORTEST_SECRET:
        raise OptionError(
            f"The teacher’s secret ({TEACHER}) has {len(text)} characters. Give at least {SHORTEST_SECRET}, so that "
            "nobody can guess it, or leave it out: then mlpviz makes one."
        )
    return text


def sites_with_frames() -> tuple[str, ...]:
    """The other sites that may show the page in a frame. By default there are none.

    Raises:
        OptionError: one of them is not the address of a site.
    """
    sites = tuple(os.environ.get(FRAMES, "").replace(",", " ").split())
    for site in sites:
        if not SITE.fullmatch(site):
            raise OptionError(
                f"{site[:40]!r} (in --frames or {FRAMES}) is not the address of a site. Give addresses such as "
                "https://course.example.org, separated by spaces."
            )
    return sites


def store_file() -> Path | None:
    """The file of saved runs: by default in the folder that the system has for data of programs. None if runs shall
    not be saved."""
    named = os.environ.get(STORE, "").strip()
    if named.lower() == NO_STORE:
        return None
    return Path(named).expanduser() if named else platformdirs.user_data_path("mlpviz", appauthor=False) / "runs.sqlite"


def check() -> None:
    """Check all options before the server starts.

    Raises:
        OptionError: one of them is not valid.
    """
    threads()
    workers()
    ray_address()
    teacher_secret()
    opens_class()
    sites_with_frames()
    store = store_file()
    if store is not None and store.is_dir():
        raise OptionError(f"{str(store)!r} (from --store or {STORE}) is a folder. Give the name of a file, or none.")
    for option, name in (("--data", DATA), ("--lessons", LESSONS)):
        folder = os.environ.get(name, "")
        if folder and not Path(folder).is_dir():
            raise OptionError(
                f"The folder {folder!r} (from {option} or {name}) does not exist. Create it, or give another one."
            )
