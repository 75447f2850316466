"""Runs in several processes and on several machines, with Ray. Nothing here is used without the option for it."""
