"""The engine: one thread that gives every run, and every other task, its turn. Commands and questions go in, published
states and snapshots come out."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import torch

from mlpviz.datasets import Dataset
from mlpviz.runs.errors import GoneError, for_the_caller
from mlpviz.runs.freed import Freed
from mlpviz.runs.long_question import LongQuestion, Reply
from mlpviz.runs.memory import Needs, network_memory
from mlpviz.runs.room import MOST_RUNS, Room
from mlpviz.runs.run import Run
from mlpviz.runs.task import HIDDEN_LEASE, LEASE, Task
from mlpviz.runs.threads import choose_threads
from mlpviz.state import RunState, TaskState

SLICE = 0.020  # seconds of a turn; shorter ones cost training: another network to bring into the cache each time
IDLE = 0.1  # seconds between looks for a lease that has come back, when nothing trains
MOST_QUESTIONS = 12  # long ones of one visitor that are worked at
MEMORY = 5 * 2**30  # bytes for all tasks
LAST_PIECE = 1.5  # seconds that the end of the server waits for a piece of work
RECOVER = 0.5  # seconds before the thread begins again after an error of its own, so that it doesn't spin

log = logging.getLogger(__name__)

Some = TypeVar("Some", bound=Task)
Answer = TypeVar("Answer")


class Plan(Protocol):
    """What a task is made from; `mlpviz.backend.specifications` has them."""

    @property
    def origin(self) -> str:
        """The id of the run that it is made from, if it is made from one."""

    def needs(self, engine: Engine, owner: str) -> Needs:
        """About how much memory the task will take."""

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Task:
        """Make the task, in the engine's thread."""


class Engine:
    """Works at any number of tasks in turn, in one thread of its own. Every method may be called from any thread.

    Args:
        memory: how many bytes its tasks may take together, by their own estimates.
        runs: how many runs one visitor may have.
        threads: PyTorch's threads in the engine; measured when not given.

    Attributes:
        room: how much there is for tasks, and for those of one visitor.
        troubles: how often its thread had to begin again after an error of its own. trouble: the latest, in words.
    """

    def __init__(self, memory: int = MEMORY, runs: int = MOST_RUNS, threads: int | None = None) -> None:
        self.room = Room(memory, runs)
        self.troubles = 0
        self.trouble = ""
        self._threads = threads
        self._tasks: dict[str, Task] = {}
        self._seats: dict[str, str] = {}  # by a task's id: the token that shows it now
        self._lock = threading.RLock()  # guards both
        self._freed = Freed()
        self._questions: list[LongQuestion] = []  # the engine's thread alone knows of these
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = False
        self._thread = self._begin()  # the last: it works with all of the above

    # what others see

    def find(self, task_id: str, owner: str) -> TaskState | None:
        """Where the visitor's own task of that id stands."""
        task = self.task(task_id, owner)
        return self._with_seats(task.state) if task is not None else None

    def mine(self, owner: str) -> list[TaskState]:
        """Where all of a visitor's tasks stand."""
        return [self._with_seats(task.state) for task in self._all_tasks() if task.owner == owner]

    def task(self, task_id: str, owner: str) -> Task | None:
        """The visitor's own task of that id; what is published of it may be read from any thread."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.owner == owner else None

    def watch(self, token: str, hidden: bool = False) -> Task | None:
        """The task that may be watched with that token; keeps it going, for longer where the page that watches is in a
        hidden tab."""
        self._revive()
        with self._lock:
            task_id = next((task_id for task_id, seat in self._seats.items() if seat == token), "")
            task = self._tasks.get(task_id)
        if task is not None:
            task.look(HIDDEN_LEASE if hidden else LEASE)
        return task

    def look(self, token: str) -> TaskState | None:
        """The same; gives where it stands."""
        task = self.watch(token)
        return self._with_seats(task.state) if task is not None else None

    # what others do

    def create(
        self,
        plan: Plan,
        owner: str = "",
        dataset: Dataset | None = None,
        instead_of: str = "",
        seat_of: str = "",
    ) -> Reply[TaskState]:
        """Have a task made from a plan, between two steps.

        Args:
            dataset: the one that the plan needs, if it needs one.
            instead_of: the id of a task of the same visitor that is forgotten for it.
            seat_of: the id of a task whose watchers are to watch the new one from now on.

        The state in the reply has a note where other runs of the visitor were let go for it. The reply raises
        ValueError where the settings can't be, EngineFullError where there is no room, GoneError where the plan is
        about a run that isn't there any more.
        """

        def make() -> TaskState:
            seat = self._seats.get(seat_of) if self.task(seat_of, owner) is not None else None
            needs, given_up = plan.needs(self, owner), self.task(instead_of, owner)
            beside = sum(question.memory for question in self._questions)
            origin = self.task(plan.origin, owner)
            leaving = self.room.who_leaves(self._all_tasks(), owner, needs, given_up, origin, beside)
            task = plan.build(self, owner, dataset)
            task.specification = plan
            task.memory, task.step_memory = task.memory or needs.kept, needs.step
            self._forget(leaving)  # only now that the other is there: nothing is lost in vain
            self.add(task)
            if seat is not None and seat_of not in self._seats:
                self._seats[task.id] = seat  # the other is forgotten, and its watchers go on here
            elif seat is not None:
                self.swap_seats(seat_of, task.id)
            lost = [each for each in leaving if each.owner == owner and each is not given_up]
            lost = [each for each in lost if each.step or each.watched()]
            return replace(self._with_seats(task.state), note=self.room.say_lost(lost))

        return self._between_steps(make)

    def add(self, task: Some) -> Some:
        """Take on a task that was made already."""
        task.publish()
        with self._lock:
            self._tasks[task.id] = task
            self._seats[task.id] = secrets.token_urlsafe(24)
        self._send(lambda: None)  # wake up
        return task

    def tell(self, run_id: str, owner: str, command: Callable[[Run], None]) -> Reply[TaskState]:
        """Carry out a command between two steps; gives where the run stands afterwards.

        What the command refuses (a ValueError or a LookupError) goes to whoever gave it, and the run stays as it was.
        Any other error stops the run, too.
        """

        def carry_out() -> TaskState:
            run = self.run(run_id, owner)
            try:
                command(run)
                run.publish()
            except (ValueError, LookupError):
                raise
            except BaseException as error:
                run.fail(error)
                raise
            return self._with_seats(run.state)

        self._look(run_id, owner)
        return self._between_steps(carry_out)

    def ask(
        self, run_id: str, owner: str, question: Callable[[Run], Answer | Generator[float, None, Answer]]
    ) -> Reply[Answer]:
        """Put a question to a run between two steps; an exception goes to whoever asked.

        A question that is answered by a generator is a long one: it yields how much is done, from 0 to 1, and returns
        the answer. It gets its turns like a task, for as long as whoever asked keeps looking at the reply.
        """
        reply: Reply[Answer] = Reply()

        def begin() -> None:
            if not reply.set_running_or_notify_cancel():
                return
            try:
                run = self.run(run_id, owner)
                answer = question(run)
                if isinstance(answer, Generator):
                    self._make_way(owner)
                    self._questions.append(LongQuestion(answer, reply, owner, network_memory(run.settings)))
                else:
                    reply.set_result(answer)
            except BaseException as error:
                reply.set_exception(for_the_caller(error))

        self._look(run_id, owner)
        self._send(begin)
        return reply

    def _make_way(self, owner: str) -> None:
        """The oldest long question of a visitor who asks very many gives way."""
        asked = [question for question in self._questions if question.owner == owner and not question.over]
        if len(asked) >= MOST_QUESTIONS:
            asked[0].fail(GoneError("You asked for too many things at once, so this one was stopped. Ask again."))

    def swap_seats(self, one: str, other: str) -> None:
        """Who watches the one task by a link watches the other from now on, and the other way round. Both are ids."""
        with self._lock:
            seats = self._seats
            if one in seats and other in seats:
                seats[one], seats[other] = seats[other], seats[one]

    def drop(self, task_id: str, owner: str) -> None:
        """Forget the visitor's own task of that id, and what goes with it."""
        task = self.task(task_id, owner)
        if task is not None:
            self._forget([task, *task.companions()])

    def close(self) -> None:
        """End the thread after the piece of work under way; all tasks are forgotten. May be called twice.

        A piece that takes very long isn't waited for: the thread ends with the process.
        """
        self._closing = True
        self._send(lambda: None)
        self._thread.join(LAST_PIECE)
        for question in self._questions:
            question.fail(GoneError("The server is shutting down."))
        with self._lock:
            self._tasks.clear()
            self._seats.clear()

    # what the engine's thread does

    def run(self, run_id: str, owner: str) -> Run:
        """The visitor's own run of that id.

        Raises:
            GoneError: there is none.
        """
        run = self.task(run_id, owner)
        if not isinstance(run, Run):
            raise GoneError("This run is no longer on the server. Reload the page to start it again.")
        return run

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="mlpviz-engine", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        """Turn after turn. An error outside of all tasks is noted, and the turns go on."""
        settled = False
        while not self._closing:
            try:
                if not settled:
                    settled = True  # if this fails, PyTorch's own number of threads will do
                    torch.set_num_threads(self._threads or choose_threads())
                self._give_turns()
            except BaseException as error:  # whatever it is: without this thread nobody trains any more
                log.exception("the engine stopped and begins again")
                self._note_trouble(f"{type(error).__name__}: {error}")
                time.sleep(RECOVER)

    def _note_trouble(self, what: str) -> None:
        self.trouble, self.troubles = what, self.troubles + 1

    def _give_turns(self) -> None:
        """One turn for each task that somebody watches, and for long questions; if there is nothing to do, wait a
        little."""
        self._freed.give_back()
        tasks = self._all_tasks()
        self._forget([task for task in tasks if task.over])
        self._questions = [question for question in self._questions if not question.over]
        watched = [task for task in tasks if task.watched() and not task.over]
        sharing = len(watched) + len(self._questions)
        busy = self._turns(watched, sharing)
        busy += self._turns(self._questions_due(busy), sharing)
        if not busy:
            self._obey(wait=IDLE)

    def _questions_due(self, busy: int) -> list[LongQuestion]:
        """The questions that get a turn now: as many as there are tasks at work, so that all questions together take no
        more than half of the time. They wait in a row."""
        due = self._questions[: busy or None]
        self._questions = self._questions[len(due) :] + due
        return due

    def _turns(self, tasks: Sequence[Task], sharing: int) -> int:
        """A turn for each; gives how many of them had anything to do."""
        busy = 0
        for task in tasks:
            if self._closing:
                break
            busy += self._turn(task, sharing)
            self._obey()
        return busy

    def _turn(self, task: Task, watched: int) -> bool:
        """Let a task work and show itself; an error stops it and no other. Gives whether it had anything to do."""
        if task.failed:
            return False
        try:
            busy = task.has_work()
            if busy:
                task.work(SLICE)
            task.refresh(watched)
            task.publish()
            return busy
        except BaseException as error:  # SystemExit, too, is no reason to stop for everybody
            task.fail(error)
            return False

    def _obey(self, wait: float = 0.0) -> None:
        """Carry out the commands that have come; with nothing else to do, wait for one."""
        try:
            self._commands.get(block=wait > 0, timeout=wait or None)()
            while True:
                self._commands.get_nowait()()
        except queue.Empty:
            return

    # between threads

    def _between_steps(self, action: Callable[[], Answer]) -> Reply[Answer]:
        """Do something in the engine's thread; an exception goes to whoever waits for the reply."""
        reply: Reply[Answer] = Reply()

        def carry_out() -> None:
            if not reply.set_running_or_notify_cancel():
                return
            try:
                reply.set_result(action())
            except BaseException as error:
                reply.set_exception(for_the_caller(error))

        self._send(carry_out)
        return reply

    def _send(self, command: Callable[[], None]) -> None:
        self._commands.put(command)
        self._revive()

    def _revive(self) -> None:
        """Begin the thread again if it has ended all the same."""
        with self._lock:
            if not self._thread.is_alive() and not self._closing:
                self._note_trouble("its thread had ended")
                self._thread = self._begin()

    def _look(self, task_id: str, owner: str) -> None:
        """Whoever gives a command or asks a question is there to watch."""
        task = self.task(task_id, owner)
        if task is not None:
            task.look()

    def _with_seats(self, state: TaskState) -> TaskState:
        """A published state with the tokens that this table has for the task, and for its twin."""
        seats = self._seats
        if isinstance(state, RunState) and state.twin is not None:
            state = replace(state, twin=replace(state.twin, token=seats.get(state.twin.id, "")))
        return replace(state, token=seats.get(state.id, ""))

    def _all_tasks(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def _forget(self, tasks: list[Task]) -> None:
        with self._lock:
            for task in tasks:
                if self._tasks.pop(task.id, None) is not None:
                    self._freed.add(task.memory)
                self._seats.pop(task.id, None)
