"""A run as files for other people and other programs."""
