"""Programs that measure and print Markdown tables. None of them saves runs, unless it is told where."""

import os

os.environ.setdefault("MLPVIZ_STORE", "none")
