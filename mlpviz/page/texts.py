"""The folder with the teaching text."""

from pathlib import Path

TEXT = Path(__file__).parent.parent / "text"
