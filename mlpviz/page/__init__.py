"""The page: widgets to settings, buttons to commands. `main.py` reads as a table of contents."""
