"""Compare this version with another one: the same benchmark in both checkouts, in turn, in one run.

`python -m benchmarks.against OTHER NAME [arguments]`, for example `python -m benchmarks.against ../before live 10`.
OTHER is a checkout of the other version. The order is this, other, other, this, so that other load on the machine
affects both.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent


def main(other: str, name: str, *arguments: str) -> None:
    for label, folder in (("this", HERE), ("other", Path(other)), ("other", Path(other)), ("this", HERE)):
        print(f"{label} version\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
