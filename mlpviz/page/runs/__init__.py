"""The view “Runs”: what the visitor has trained, and what is saved of it."""
