"""At which steps a run is looked at closely, and when it is tested: decided by its settings, never by the clock.

So the same run gives the same figures and the same alarms, however fast the machine is and however many people watch.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlpviz.settings import Settings

# The work of one step, in images: those of its mini-batch, and what a step costs however small its mini-batch is.
EVERY_STEP = 45
# The work of a look, in the same unit: 512 images forward, and the update measured. Both figures were read off
# `python -m benchmarks.instruments`, for networks from 0 to 3 hidden layers of 1,024 units.
LOOK = 400
# An interval is this share of the steps before it: dense at first, then in growing intervals. Where a look costs many
# steps, it is so many times that cost.
GROWTH, GROWTH_BY_PRICE = 0.1, 0.2
# The longest interval is so many times the steps that cost as much as a look: looks take 2 % of a long run.
LONGEST = 50
SHORTEST_LONGEST = 10  # steps; the longest interval is never shorter
# An epoch that takes more work than this is tested on the way, too. The article's epoch takes 71,000.
BETWEEN_TESTS = 100_000
# Between two looks a run is judged after every so many steps: that costs next to nothing.
JUDGED_EVERY = 100


def is_judged(step: int) -> bool:
    """Whether a run is judged after that step, even without a look."""
    return step % JUDGED_EVERY == 0


def work_of_a_step(settings: Settings) -> int:
    """How much one step costs, in images."""
    return settings.batch_size + EVERY_STEP


def look_steps(settings: Settings, start: int = 0) -> Iterator[int]:
    """The steps after which a run is looked at closely, ascending, from `start` on, without end."""
    price = LOOK / work_of_a_step(settings)  # of a look, in steps
    growth = max(GROWTH, GROWTH_BY_PRICE * price)
    longest = max(SHORTEST_LONGEST, round(LONGEST * price))
    step = 0
    while True:
        if step >= start:
            yield step
        step += min(max(1, int(step * growth)), longest)


def is_test_step(step: int, settings: Settings, steps_per_epoch: int) -> bool:
    """Whether the test set is due after that step: at the end of each epoch, and within a long one after equal parts
    of it."""
    parts = max(1, round(steps_per_epoch * work_of_a_step(settings) / BETWEEN_TESTS))
    within = (step - 1) % steps_per_epoch + 1
    return within * parts // steps_per_epoch > (within - 1) * parts // steps_per_epoch
