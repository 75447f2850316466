"""The door to the runs: values come out, commands, questions and specifications go in.

Who is on this side of it, such as the page, knows no run, no trainer and no torch.
"""
