"""The speeds at which a run can be watched. A speed is not one of a run's settings: it changes no result."""

from __future__ import annotations

import math

SLOW, FULL = "slow", "full"
#: Steps per second of each speed, from slow to fast. In slow motion, each of the five lines takes about a second.
SPEEDS: dict[str, float] = {SLOW: 0.2, "1": 1.0, "5": 5.0, "20": 20.0, "100": 100.0, FULL: math.inf}
#: At this speed or a slower one there is time to look at each step line by line.
CLOSE_UP = 1.0  # steps per second
BEST = 25.0  # seconds that a run should last
# About how fast an ordinary computer trains the article's network. It is a fixed number, so that the choice of a speed
# does not depend on the machine.
TYPICAL = 500.0  # steps per second


def best_speed(steps: int) -> str:
    """The speed at which so many steps last nearest to 25 seconds. Slow motion is only for those who ask for it."""
    rates = {name: min(rate, TYPICAL) for name, rate in SPEEDS.items() if name != SLOW}
    return min(rates, key=lambda name: abs(math.log(max(steps, 1) / rates[name] / BEST)))


def parse_speed(text: str) -> str:
    """The name of a speed.

    Raises:
        ValueError: there is no such speed.
    """
    if text not in SPEEDS:
        raise ValueError(f"{text!r} is not a speed. It must be one of {', '.join(SPEEDS)}.")
    return text


def slower(name: str) -> str:
    """The next slower speed, or the slowest one."""
    names = list(SPEEDS)
    return names[max(0, names.index(name) - 1)]


def faster(name: str) -> str:
    """The next faster speed, or the fastest one."""
    names = list(SPEEDS)
    return names[min(len(names) - 1, names.index(name) + 1)]


def is_close_up(name: str) -> bool:
    """Whether there is time to look at each step line by line."""
    return SPEEDS[name] <= CLOSE_UP
