"""The command `mlpviz`, or `python -m mlpviz`: serve the page.

Each option also has an environment variable. If both are given, the option is used.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sqlite3
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from mlpviz import __version__, options
from mlpviz.options import OptionError
from mlpviz.store.schema import ForeignFileError, NewerFileError
from mlpviz.store.schema import check as check_store

PORT, ADDRESS, OPEN = "MLPVIZ_PORT", "MLPVIZ_ADDRESS", "MLPVIZ_OPEN"
VERIFY, EXPORT, SWEEP = "verify", "export", "sweep"  # the commands beside serving the page
MOST_STEPS = 1_000_000  # of each run of a sweep
INSTALLED = Path(__file__).parent / "streamlit.toml"  # in the wheel: a copy of the checkout's file
CHECKOUT = Path(__file__).parent.parent / ".streamlit" / "config.toml"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are short: it does not print the whole usage before them."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nSee {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until it is stopped."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == [VERIFY]:
        sys.exit(_verify(arguments[1:]))
    if arguments[:1] == [EXPORT]:
        sys.exit(_export(arguments[1:]))
    if arguments[:1] == [SWEEP]:
        sys.exit(_sweep(arguments[1:]))
    parser = _parser()
    given = parser.parse_args(arguments)
    for name, value in _variables(given).items():
        if value is not None:
            os.environ[name] = value
    try:
        options.check()
        _check_store()
        port = _port(os.environ.get(PORT) or "8501")
        address = os.environ.get(ADDRESS) or ("0.0.0.0" if options.opens_class() else "localhost")
        opens = _opens(os.environ.get(OPEN, ""))
        _check_free(address, port)
    except OptionError as error:
        parser.error(str(error))
    _serve({"server.port": port, "server.address": address, "server.headless": not opens})


def _parser() -> Parser:
    parser = Parser(
        prog="mlpviz",
        description="Watch a neural network learn. This command serves the page.",
        epilog=f"mlpviz {VERIFY} FILE trains the run of a receipt again, and says whether it gives the same numbers. "
        f"mlpviz {EXPORT} RUN -o run.html makes one file of a saved run, which plays it without a server. "
        f"mlpviz {SWEEP} AXIS AXIS -o map.csv trains many runs that differ in two settings.",
    )
    parser.add_argument("--version", action="version", version=f"mlpviz {__version__}")
    parser.add_argument("--port", metavar="N", help=f"the port of the page; 8501 by default ({PORT})")
    parser.add_argument(
        "--address",
        metavar="NAME",
        help=f"the network address of the page; localhost by default, 0.0.0.0 for a classroom ({ADDRESS})",
    )
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        help=f"open the page in a browser; by default, only if there is a screen ({OPEN})",
    )
    parser.add_argument("--data", metavar="FOLDER", help=f"a folder with full datasets ({options.DATA})")
    parser.add_argument("--lessons", metavar="FOLDER", help=f"a folder with your own lessons ({options.LESSONS})")
    parser.add_argument(
        "--threads",
        metavar="N",
        help=f"how many threads PyTorch uses; by default, mlpviz measures what is fast ({options.THREADS})",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        help=f"train in this many processes, each on a core of its own; needs mlpviz[ray] ({options.WORKERS})",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train on a Ray cluster: the name and the port of its head, or auto on one of its machines "
        f"({options.RAY})",
    )
    parser.add_argument(
        "--class",
        dest="opens_class",
        action="store_true",
        help="teach a class: print the teacher’s link, and let the computers of your network reach the page "
        f"({options.CLASS})",
    )
    parser.add_argument(
        "--frames",
        metavar="SITES",
        help=f"the sites that may show the page in a frame, such as https://course.example.org ({options.FRAMES})",
    )
    parser.add_argument(
        "--store",
        metavar="FILE",
        help=f"the file where runs are saved; by default in your data folder; none to save nothing ({options.STORE})",
    )
    return parser


def _verify(arguments: Sequence[str]) -> int:
    """The command `mlpviz verify`. Returns the exit status."""
    parser = Parser(
        prog=f"mlpviz {VERIFY}",
        description="Train the run of a receipt again, and say whether it gives the same numbers. "
        "The exit status is 0 if it does, 1 if it does not, and 2 if the receipt can’t be checked.",
    )
    parser.add_argument("receipt", metavar="FILE", help="a receipt from the page, such as receipt.json")
    parser.add_argument("--data", metavar="FOLDER", help=f"a folder with full datasets ({options.DATA})")
    given = parser.parse_args(arguments)
    if given.data is not None:
        os.environ[options.DATA] = given.data
    from mlpviz.verify import verify  # torch takes seconds

    return verify(Path(given.receipt))


def _export(arguments: Sequence[str]) -> int:
    """The command `mlpviz export`. Returns the exit status."""
    parser = Parser(
        prog=f"mlpviz {EXPORT}",
        description="Make one file of a saved run. Without the name of a run, list all saved runs.",
    )
    parser.add_argument("run", metavar="RUN", nargs="?", default="", help="its name, or its id or the beginning of it")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="run.html",
        help="run.html (the default) plays the run; run.gif has the pictures of its first layer; a name without an "
        "ending is a folder for TensorBoard",
    )
    parser.add_argument("--data", metavar="FOLDER", help=f"a folder with full datasets ({options.DATA})")
    parser.add_argument("--store", metavar="FILE", help=f"the file where runs are saved ({options.STORE})")
    given = parser.parse_args(arguments)
    for name, value in ((options.DATA, given.data), (options.STORE, given.store)):
        if value is not None:
            os.environ[name] = value
    from mlpviz.export.command import export  # torch takes seconds

    return export(given.run, given.output)


def _sweep(arguments: Sequence[str]) -> int:
    """The command `mlpviz sweep`. Returns the exit status."""
    parser = Parser(
        prog=f"mlpviz {SWEEP}",
        description="Train many runs that differ in one or two settings, and write a table of what became of them. "
        "A run that is surely ill stops early. Ctrl+C keeps what is done.",
    )
    parser.add_argument(
        "axes",
        metavar="AXIS",
        nargs="+",
        help="a setting with values: batch_size=16,64,256 or learning_rate=0.01:3:log:20 (from:to:scale:how many)",
    )
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a setting of all runs")
    parser.add_argument("--steps", metavar="N", default="400", help="how many steps each run makes; 400 by default")
    parser.add_argument("-o", "--output", metavar="FILE", default="map.csv", help="the table; map.csv by default")
    parser.add_argument("--all-steps", action="store_true", help="make all steps, even if a run is surely ill")
    parser.add_argument("--workers", metavar="N", help="how many processes train; by default, one for each core")
    parser.add_argument("--data", metavar="FOLDER", help=f"a folder with full datasets ({options.DATA})")
    given = parser.parse_args(arguments)
    for name, value in ((options.DATA, given.data), (options.WORKERS, given.workers)):
        if value is not None:
            os.environ[name] = value
    try:
        options.check()
        steps, processes = options.number(given.steps, "The number of steps (--steps)", MOST_STEPS), options.workers()
    except OptionError as error:
        parser.error(str(error))
    from mlpviz.sweep.command import INCOMPLETE, STOPPED, Order, leave_soon, sweep  # torch takes seconds

    status = sweep(Order(given.axes, given.set, steps, Path(given.output), processes, given.all_steps))
    if status in (INCOMPLETE, STOPPED):
        leave_soon(status)
    return status


def _variables(given: argparse.Namespace) -> dict[str, str | None]:
    """The value of each environment variable that the options set; None if an option isn't given."""
    opens = None if given.open is None else str(int(given.open))
    return {
        PORT: given.port,
        ADDRESS: given.address,
        OPEN: opens,
        options.DATA: given.data,
        options.LESSONS: given.lessons,
        options.THREADS: given.threads,
        options.WORKERS: given.workers,
        options.RAY: given.ray,
        options.CLASS: "1" if given.opens_class else None,
        options.FRAMES: given.frames,
        options.STORE: given.store,
    }


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65_535:
        return int(text)
    raise OptionError(f"The port is {text[:40]!r}. It must be a whole number from 1 to 65535.")


def _check_store() -> None:
    """Check that the file for saved runs that somebody has named can be used, before anything slow is loaded."""
    path = options.store_file() if os.environ.get(options.STORE) else None
    if path is None:
        return
    where = f"The file {str(path)!r} (from --store or {options.STORE})"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_store(path)
        with path.open("ab"):
            pass
    except NewerFileError:
        raise OptionError(f"{where} is of a newer version of mlpviz. Update mlpviz, or give another one.") from None
    except (ForeignFileError, sqlite3.DatabaseError):
        raise OptionError(f"{where} is no file of mlpviz, or it is damaged. Give another one.") from None
    except OSError as error:
        raise OptionError(f"{where} can’t be written ({error.strerror}). Give another one, or none.") from None


def _opens(text: str) -> bool:
    """Whether to open the page in a browser."""
    if text in ("0", "1"):
        return text == "1"
    if text:
        raise OptionError(f"{OPEN} is {text[:40]!r}. It must be 1 or 0.")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _check_free(address: str, port: int) -> None:
    """Check that the page can be served there, before anything slow is loaded."""
    try:
        wanted = socket.AF_INET6 if ":" in address else socket.AF_INET  # the same choice as in Streamlit's server
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, wanted, socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except (socket.gaierror, UnicodeError):
        raise OptionError(f"This machine has no network address {address[:40]!r}. Try localhost or 0.0.0.0.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OptionError(f"Port {port} is already in use. Try another one: --port {port % 65_535 + 1}.") from None
        raise OptionError(f"The page can't be served at {address}, port {port} ({error.strerror}).") from None


def _serve(config: dict[str, Any]) -> None:
    print("mlpviz is starting…", flush=True)
    import streamlit as st  # takes seconds; so does torch

    from mlpviz.live.school import teacher_secret
    from mlpviz.live.serving import PAGE, serving

    sys.argv[:] = [
        str(Path(sys.executable).with_name("mlpviz"))
    ]  # Streamlit searches for modules in the folder of this file
    app = st.App(PAGE, **serving())
    if options.opens_class():
        print(
            f"To teach your class, open http://localhost:{config['server.port']}/?teach={teacher_secret()}", flush=True
        )
    app.run(config=settled_config() | config)


def settled_config() -> dict[str, Any]:
    """The Streamlit options that the project sets, by dotted name."""
    file = INSTALLED if INSTALLED.exists() else CHECKOUT
    return dict(_dotted(tomllib.loads(file.read_text(encoding="utf-8"))))


def _dotted(table: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += _dotted(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found


if __name__ == "__main__":
    main()
