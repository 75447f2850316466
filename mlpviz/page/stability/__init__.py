"""The view “Stability”: what happened to a run, early warnings, and two runs with one difference."""
