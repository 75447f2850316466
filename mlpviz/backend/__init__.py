"""The door to the runs: values come out, commands, questions and specifications go in.

The page and the live route use nothing else of the runs: they hold no run and no trainer.
"""
