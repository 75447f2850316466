"""Stability, explained and seen coming: what measures it on a live network."""
