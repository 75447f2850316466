"""Serves the page and records when each pause takes effect in the engine. `benchmarks.browser` starts it.

`python -m benchmarks.page_server PORT LOG` appends a line to LOG for each pause: seconds since 1970.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from streamlit.web import cli

from mlpviz.runs.run import Run


def note_pauses(log: Path) -> None:
    pause = Run.pause

    def noted(self: Run) -> None:
        pause(self)
        with log.open("a") as lines:
            lines.write(f"{time.time()}\n")

    Run.pause = noted  # type: ignore[method-assign]


def main(port: str, log: str) -> None:
    note_pauses(Path(log))
    cli.main(["run", "app.py", "--server.port", port])


if __name__ == "__main__":
    main(*sys.argv[1:3])
