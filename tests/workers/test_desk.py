"""One question to a worker serves all who watch: tried with a worker that is made for the test."""

import asyncio
import time

from mlpviz.backend.parts import Newest, Part
from mlpviz.workers.desk import PATIENCE, PERIOD, WATCHED, Desk
from tests.waiting import awaited

ALL = frozenset()


class FakeWorker:
    """Shows a task whose head changes at each question, and whose tiles change when the test says so."""

    def __init__(self, seconds=0.0):
        self.seconds, self.questions, self.version, self.tiles, self.run = seconds, [], 0, 1, "r"

    async def answer(self, asked):
        self.questions.append(asked)
        await asyncio.sleep(self.seconds)
        self.version += 1
        return [self.newest(each) for each in asked]

    def newest(self, asked):
        if asked.token == "nobody":
            return None
        known = asked.have[1] if asked.have is not None and asked.have[0] == self.run else -1
        parts = [Part("head", self.version, b"", b""), Part("tiles", self.tiles, b"", b"")]
        parts = parts[: 1 if self.run == "without tiles" else 2]
        wanted = (part for part in parts if not asked.only or part.name in asked.only)
        return Newest(self.run, self.version, tuple(part for part in wanted if part.version > known))


def names(newest):
    return [part.name for part in newest.parts]


def test_many_who_watch_cost_one_question():
    worker = FakeWorker()

    async def watch():
        desk = Desk(worker.answer)
        return await asyncio.gather(*(desk.newest(token, None, ALL) for token in ("a", "b", "a") for _ in range(20)))

    answers = awaited(watch())
    assert len(answers) == 60 and all(names(each) == ["head", "tiles"] for each in answers)
    assert len(worker.questions) <= 2, "the first one, and one for those who came after it had begun"


def test_everybody_gets_exactly_what_they_lack():
    worker = FakeWorker()

    async def watch():
        desk = Desk(worker.answer)
        first = await desk.newest("a", None, ALL)
        await asyncio.sleep(1.1 * PERIOD)
        worker.tiles = 2
        fewer = await desk.newest("a", ("r", first.version), ALL, False, frozenset({"tiles"}))
        late = await desk.newest("a", ("r", first.version), ALL)
        same = await desk.newest("a", ("r", late.version), ALL)
        other = await desk.newest("a", ("another run", 99), ALL)
        strip = await desk.newest("a", None, frozenset({"head"}))
        gone = await desk.newest("nobody", None, ALL)
        return fewer, late, same, other, strip, gone

    fewer, late, same, other, strip, gone = awaited(watch())
    assert names(fewer) == ["head"] and names(late) == ["head", "tiles"] and names(same) == []
    assert names(other) == ["head", "tiles"] and names(strip) == ["head"] and gone is None


def test_another_run_in_the_same_place_brings_its_own_parts():
    worker = FakeWorker()

    async def watch():
        desk = Desk(worker.answer)
        await desk.newest("a", None, ALL)
        worker.run = "without tiles"
        await asyncio.sleep(1.1 * PERIOD)
        return await desk.newest("a", ("r", 1), ALL)

    after = awaited(watch())
    assert after.run == "without tiles" and names(after) == ["head"], "none of the run before"


def test_a_slow_worker_makes_nobody_wait_who_has_seen_something():
    worker = FakeWorker()

    async def watch():
        desk = Desk(worker.answer)
        first = await desk.newest("a", None, ALL)
        worker.seconds = 0.3
        await asyncio.sleep(1.1 * PERIOD)
        begun = time.monotonic()
        soon = await desk.newest("a", None, ALL)
        took = time.monotonic() - begun
        await asyncio.sleep(0.4)
        return first, soon, took, await desk.newest("a", None, ALL)

    first, soon, took, late = awaited(watch())
    assert soon.version == first.version and took < PATIENCE + 0.2, "the worker takes 0.3"
    assert late.version > first.version


def test_a_tab_that_is_hidden_now_is_told_to_the_worker_at_once():
    worker = FakeWorker()

    async def watch():
        desk = Desk(worker.answer)
        await desk.newest("a", None, ALL)
        await desk.newest("a", None, ALL, True)
        await asyncio.sleep(1.1 * PERIOD)
        await desk.newest("a", None, ALL)

    awaited(watch())
    assert [[each.hidden for each in asked] for asked in worker.questions] == [[False], [True], [False]]


def test_a_hidden_tab_is_told_even_if_the_worker_is_slow():
    worker = FakeWorker(seconds=0.1)

    async def watch():
        desk = Desk(worker.answer)
        await desk.newest("a", None, ALL)
        await asyncio.sleep(1.1 * PERIOD)
        seen = asyncio.create_task(desk.newest("a", None, ALL))
        await asyncio.sleep(0.03)  # the worker is at work on it
        await desk.newest("a", None, ALL, True)
        await seen

    awaited(watch())
    assert any(each.hidden for each in worker.questions[-1])


def test_a_task_that_is_wanted_while_the_worker_is_slow_is_asked_for_after_that():
    worker = FakeWorker(seconds=1.3 * WATCHED)

    async def watch():
        desk = Desk(worker.answer)
        first = asyncio.create_task(desk.newest("a", None, ALL))
        await asyncio.sleep(0.1)
        late = asyncio.create_task(desk.newest("b", None, ALL))
        return await asyncio.wait_for(asyncio.gather(first, late), 10)

    assert all(names(each) == ["head", "tiles"] for each in awaited(watch()))
    assert len(worker.questions) == 2


def test_an_error_of_one_task_is_nobody_elses():
    class Partly(FakeWorker):
        def newest(self, asked):
            return OSError("broken") if asked.token == "broken" else super().newest(asked)

    async def watch():
        desk = Desk(Partly().answer)
        tokens = ("a", "broken", "b")
        return await asyncio.gather(*(desk.newest(each, None, ALL) for each in tokens), return_exceptions=True)

    one, broken, other = awaited(watch())
    assert names(one) == names(other) == ["head", "tiles"] and isinstance(broken, OSError)


def test_an_error_reaches_those_who_wait_and_the_next_ones_ask_again():
    class Failing(FakeWorker):
        async def answer(self, asked):
            if not self.questions:
                self.questions.append(asked)
                raise OSError("the worker has ended")
            return await super().answer(asked)

    async def watch():
        desk = Desk(Failing().answer)
        failed = await asyncio.gather(*(desk.newest("a", None, ALL) for _ in range(3)), return_exceptions=True)
        return failed, await desk.newest("a", None, ALL)

    failed, after = awaited(watch())
    assert all(isinstance(each, OSError) for each in failed) and names(after) == ["head", "tiles"]
