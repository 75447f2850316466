"""The view “Line by line”: the training script as a page that runs. `view.py` is its table of contents."""
