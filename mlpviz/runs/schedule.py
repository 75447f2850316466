"""The steps at which a run is looked at closely or tested. They depend on its settings only, never on the clock.

So the same run gives the same figures and the same alarms on a fast or slow machine, with few or many watchers.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlpviz.settings import Settings

# The work of one step, in images: those of its mini-batch, plus this fixed cost of any step.
EVERY_STEP = 45
# The work of a look, in the same unit: 512 images forward, and the measurement of the update. Both numbers come from
# `python -m benchmarks.instruments`, for networks from 0 to 3 hidden layers of 1,024 units.
LOOK = 400
# Each interval is this share of the steps before it, so the looks are dense at first and then rarer. If a look costs
# many steps, the share is the second number times that cost.
GROWTH, GROWTH_BY_PRICE = 0.1, 0.2
# The longest interval is this many times the cost of a look in steps: looks take 2 % of a long run.
LONGEST = 50
SHORTEST_LONGEST = 10  # steps; the longest interval is never shorter
# The work of a moment for the film, in the same unit. One is kept when the steps since the latest are this share of all
# steps, or that many times its cost. So the film takes less than 1 % of a long run.
MOMENT, MOMENT_GROWTH, LONGEST_MOMENT = 280, 0.3, 120
# An epoch with more work than about this is also tested within the epoch. The article's epoch takes 71,000.
BETWEEN_TESTS = 100_000
# Between two looks, a run is also judged every so many steps. This costs almost nothing.
JUDGED_EVERY = 100


def is_judged(step: int) -> bool:
    """Whether a run is judged after that step, even without a look."""
    return step % JUDGED_EVERY == 0


def work_of_a_step(settings: Settings) -> int:
    """The cost of one step, in images."""
    return settings.batch_size + EVERY_STEP


def look_steps(settings: Settings, start: int = 0) -> Iterator[int]:
    """The steps after which a run is looked at closely: ascending, from `start` on, without end."""
    price = LOOK / work_of_a_step(settings)  # of a look, in steps
    growth = max(GROWTH, GROWTH_BY_PRICE * price)
    longest = max(SHORTEST_LONGEST, round(LONGEST * price))
    step = 0
    while True:
        if step >= start:
            yield step
        step += min(max(1, int(step * growth)), longest)


def is_moment(step: int, latest: int, settings: Settings) -> bool:
    """Whether the look after this step is kept for the film. `latest` is the step of the moment before."""
    return step - latest >= min(MOMENT_GROWTH * step, LONGEST_MOMENT * MOMENT / work_of_a_step(settings))


def is_test_step(step: int, settings: Settings, steps_per_epoch: int) -> bool:
    """Whether the test set is due after that step: at the end of each epoch, and in a long epoch also after equal parts
    of it."""
    parts = max(1, round(steps_per_epoch * work_of_a_step(settings) / BETWEEN_TESTS))
    within = (step - 1) % steps_per_epoch + 1
    return within * parts // steps_per_epoch > (within - 1) * parts // steps_per_epoch
