"""Where the teaching prose lies."""

from pathlib import Path

TEXT = Path(__file__).parent.parent / "text"
