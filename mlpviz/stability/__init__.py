"""Stability: code that measures it on a live network, explains a failure, and looks for a way back."""
