"""The interface to the runs: commands, questions and specifications go in, values come out.

The page and the live route use the runs only through this interface. They hold no run and no trainer.
"""
