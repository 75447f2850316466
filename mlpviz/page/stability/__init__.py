"""The view “Stability”: why it diverged, what comes, two runs with one difference."""
