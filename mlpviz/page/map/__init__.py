"""The view “Map”: one run for each pair of two settings."""
