"""The view “Line by line”: the training script as a page that runs. `view.py` reads as a table of contents."""
