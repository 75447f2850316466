"""The view “Test images”: where the network is wrong, and why. Start reading in `view.py`."""
