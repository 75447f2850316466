"""The view “Test images”: where the network is wrong, and why. `view.py` reads as a table of contents."""
