"""Measured quantities, one a file; the only code that copies from a live network. Nothing here changes a run."""
