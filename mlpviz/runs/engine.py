"""The engine: one thread that gives every run, and every other task, its turn. Commands and questions go in. Published
states and snapshots come out."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import torch

from mlpviz.datasets import Dataset
from mlpviz.runs.errors import GoneError, for_the_caller
from mlpviz.runs.freed import Freed
from mlpviz.runs.long_question import LongQuestion, Reply
from mlpviz.runs.memory import Needs, network_memory
from mlpviz.runs.room import MOST_RUNS, Room
from mlpviz.runs.run import Run
from mlpviz.runs.saver import Keeper, Saver
from mlpviz.runs.task import HIDDEN_LEASE, LEASE, Task
from mlpviz.runs.threads import choose_threads
from mlpviz.state import RunState, TaskState

SLICE = 0.020  # seconds of a turn. Shorter turns slow training: each turn loads another network into the cache
YIELDED = 0.05  # of the time of all others: what tasks that yield get together, while others have work
IDLE = 0.1  # seconds between two checks for watched tasks, when no step is due
MOST_QUESTIONS = 12  # long questions of one visitor at the same time
MEMORY = 6 * 2**30  # bytes, for all tasks together: the article’s network for 200 students
LAST_PIECE = 1.5  # seconds to wait for the current piece of work when the server ends
RECOVER = 0.5  # seconds before the thread restarts after its own error, so that it doesn't spin

GONE = "This run is no longer on the server. Reload the page to start it again."

log = logging.getLogger(__name__)

Some = TypeVar("Some", bound=Task)
Answer = TypeVar("Answer")


class Plan(Protocol):
    """The description of a task; see `mlpviz.backend.specifications`."""

    @property
    def origin(self) -> str:
        """The id of the run that it starts from, if there is one."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """The tokens of the new tasks by their ids, where these have had tokens before."""

    def needs(self, engine: Engine, owner: str) -> Needs:
        """About how much memory the task will need."""

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Task:
        """Make the task, in the engine's thread."""


@dataclass(frozen=True)
class Presence:
    """Which tasks an engine has.

    Attributes:
        owners: the visitors who have tasks. ids: of the tasks. watched: how many of them somebody watches.
    """

    owners: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    watched: int = 0


class Engine:
    """Works on any number of tasks in turn, in its own thread. Every method may be called from any thread.

    Args:
        memory: how many bytes its tasks may use together, by their own estimates.
        runs: how many runs one visitor may have.
        threads: PyTorch's threads in the engine; measured if not given.
        keeper: writes what is saved. Without it, nothing is saved.

    Attributes:
        room: the memory for all tasks, and for those of one visitor.
        troubles: how often its thread restarted after its own error. trouble: the latest error as text.
    """

    def __init__(
        self,
        memory: int = MEMORY,
        runs: int = MOST_RUNS,
        threads: int | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.room = Room(memory, runs)
        self.troubles = 0
        self.trouble = ""
        self._threads = threads
        self._threads_now: int | None = None
        self._saver = Saver(keeper, lambda task_id: self._seats.get(task_id, ""))
        self._tasks: dict[str, Task] = {}
        self._seats: dict[str, str] = {}  # task id → the token that shows it now
        self._lock = threading.RLock()  # guards both
        self._freed = Freed()
        self._questions: list[LongQuestion] = []  # only the engine's thread uses this list
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = False
        self._thread = self._begin()  # last, because the thread uses all of the above

    # what others see

    def find(self, task_id: str, owner: str) -> TaskState | None:
        """The state of the visitor's own task with this id."""
        task = self.task(task_id, owner)
        return self._with_seats(task.state) if task is not None else None

    def mine(self, owner: str) -> list[TaskState]:
        """The states of all tasks of a visitor."""
        return [self._with_seats(task.state) for task in self._all_tasks() if task.owner == owner]

    def task(self, task_id: str, owner: str) -> Task | None:
        """The visitor's own task with this id. Any thread may read what it publishes."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.owner == owner else None

    def watch(self, token: str, hidden: bool = False) -> Task | None:
        """The task with this token. Also keeps it working, for longer if the watching page is in a hidden tab."""
        self._revive()
        task = self.with_token(token)
        if task is not None:
            task.look(HIDDEN_LEASE if hidden else LEASE)
        return task

    def with_token(self, token: str) -> Task | None:
        """The task with this token."""
        with self._lock:
            task_id = next((task_id for task_id, seat in self._seats.items() if seat == token), "")
            return self._tasks.get(task_id)

    def look(self, token: str) -> TaskState | None:
        """The same, but returns its state."""
        task = self.watch(token)
        return self._with_seats(task.state) if task is not None else None

    def presence(self) -> Presence:
        """Whose tasks are here."""
        tasks = self._all_tasks()
        owners, ids = (frozenset(names) for names in ([t.owner for t in tasks], [t.id for t in tasks]))
        return Presence(owners, ids, sum(task.watched() for task in tasks))

    # what others do

    def create(
        self,
        plan: Plan,
        owner: str = "",
        dataset: Dataset | None = None,
        instead_of: str = "",
        seat_of: str = "",
    ) -> Reply[TaskState]:
        """Create a task from a plan, between two steps.

        Args:
            dataset: the one that the plan needs, if it needs one.
            instead_of: the id of a task of the same visitor; it is removed.
            seat_of: the id of a task whose watchers will watch the new task from now on.

        If other runs of the visitor were removed for it, the state in the reply has a note. The reply raises
        ValueError if the settings are impossible, EngineFullError if there is no room, GoneError if the plan's run
        no longer exists.
        """

        def make() -> TaskState:
            there = next((task for task_id in plan.tokens if (task := self.task(task_id, owner)) is not None), None)
            if there is not None:
                return self._with_seats(there.state)  # it has come back already
            seat = self._seats.get(seat_of) if self.task(seat_of, owner) is not None else None
            needs, given_up = plan.needs(self, owner), self.task(instead_of, owner)
            beside = sum(question.memory for question in self._questions)
            origin = self.task(plan.origin, owner)
            leaving = self.room.who_leaves(self._all_tasks(), owner, needs, given_up, origin, beside)
            task = plan.build(self, owner, dataset)
            task.specification = task.specification or plan
            task.memory, task.step_memory = task.memory or needs.kept, needs.step
            self._let_go(leaving)  # only now, when the new task exists: if making it fails, nothing is lost
            for each in (task, *task.companions()):
                if each.id not in self._tasks:
                    self.add(each, plan.tokens.get(each.id, ""))
            if plan.tokens:
                self._saver.note_back(task)
            if seat is not None and seat_of not in self._seats:
                self._seats[task.id] = seat  # the old task is removed, and its watchers watch the new one
            elif seat is not None:
                self.swap_seats(seat_of, task.id)
            lost = [each for each in leaving if each.owner == owner and each is not given_up]
            lost = [each for each in lost if each.step or each.watched()] if not self._saver.saves else []
            return replace(self._with_seats(task.state), note=self.room.say_lost(lost))

        return self._between_steps(make)

    def add(self, task: Some, token: str = "") -> Some:
        """Add a task that already exists, with this token if no other task has it now."""
        task.publish()
        with self._lock:
            task.threads = task.threads or self._threads
            free = token and token not in self._seats.values()
            self._tasks[task.id] = task
            self._seats[task.id] = token if free else secrets.token_urlsafe(24)
        self._send(lambda: None)  # wake up
        return task

    def tell(self, task_id: str, owner: str, command: Callable[[Any], None]) -> Reply[TaskState]:
        """Carry out a command between two steps. The reply is the state of the task after it.

        A ValueError or a LookupError goes to the caller, and the task does not change. Any other error also stops the
        task.
        """

        def carry_out() -> TaskState:
            task = self.task(task_id, owner)
            if task is None:
                raise GoneError(GONE)
            self._use_threads(task.threads)
            try:
                command(task)
                if isinstance(task, Run):
                    task.publisher.show_status()
                task.publish()
            except (ValueError, LookupError):
                raise
            except BaseException as error:
                task.fail(error)
                raise
            return self._with_seats(task.state)

        self._look(task_id, owner)
        return self._between_steps(carry_out)

    def ask(
        self, run_id: str, owner: str, question: Callable[[Run], Answer | Generator[float, None, Answer]]
    ) -> Reply[Answer]:
        """Ask a run a question between two steps. An exception goes to the caller.

        If the answer is a generator, it is a long question: it yields how much is done, from 0 to 1, and returns the
        answer. It gets its turns like a task, as long as the caller keeps looking at the reply.
        """
        reply: Reply[Answer] = Reply()

        def begin() -> None:
            if not reply.set_running_or_notify_cancel():
                return
            try:
                run = self.run(run_id, owner)
                self._use_threads(run.threads)
                answer = question(run)
                if isinstance(answer, Generator):
                    self._make_way(owner)
                    asked = LongQuestion(answer, reply, owner, network_memory(run.settings))
                    asked.threads = run.threads
                    self._questions.append(asked)
                else:
                    reply.set_result(answer)
            except BaseException as error:
                reply.set_exception(for_the_caller(error))

        self._look(run_id, owner)
        self._send(begin)
        return reply

    def _make_way(self, owner: str) -> None:
        """If a visitor asks very many long questions, stop the oldest one."""
        asked = [question for question in self._questions if question.owner == owner and not question.over]
        if len(asked) >= MOST_QUESTIONS:
            asked[0].fail(GoneError("You asked for too many things at once, so this one was stopped. Ask again."))

    def swap_seats(self, one: str, other: str) -> None:
        """From now on, the watchers of each of the two tasks watch the other one. Both arguments are ids."""
        with self._lock:
            seats = self._seats
            if one in seats and other in seats:
                seats[one], seats[other] = seats[other], seats[one]

    def drop(self, task_id: str, owner: str) -> None:
        """Remove the visitor's own task with this id, and its companions."""
        task = self.task(task_id, owner)
        if task is not None:
            self._forget([task, *task.companions()])

    def forget(self, owner: str) -> Reply[list[str]]:
        """Remove all tasks of a visitor, between two steps. The reply is their ids."""

        def carry_out() -> list[str]:
            tasks = [task for task in self._all_tasks() if task.owner == owner]
            self._forget(tasks)
            return [task.id for task in tasks]

        return self._between_steps(carry_out)

    def put_away(self, task_id: str, owner: str) -> None:
        """The same, after it has been saved for the last time."""
        task = self.task(task_id, owner)
        if task is not None:
            leaving = [task, *task.companions()]
            self._send(lambda: self._let_go(leaving))

    def close(self) -> None:
        """End the thread after the current piece of work, and remove all tasks. It is safe to call this twice.

        It does not wait for a very long piece: then the thread ends with the process.
        """
        self._closing = True
        self._send(lambda: None)
        self._thread.join(LAST_PIECE)
        for question in self._questions:
            question.fail(GoneError("The server is shutting down."))
        if not self._thread.is_alive():
            self._let_go(self._all_tasks())
        with self._lock:
            self._tasks.clear()
            self._seats.clear()

    # what the engine's thread does

    def run(self, run_id: str, owner: str) -> Run:
        """The visitor's own run with this id.

        Raises:
            GoneError: there is none.
        """
        run = self.task(run_id, owner)
        if not isinstance(run, Run):
            raise GoneError(GONE)
        return run

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="mlpviz-engine", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        """Give turns until the engine closes. An error outside of all tasks is recorded, and the turns continue."""
        settled = False
        while not self._closing:
            try:
                if not settled:
                    settled = True  # if this fails, PyTorch keeps its own number of threads
                    self._threads, self._threads_now = self._threads or choose_threads(), None
                    self._use_threads(None)
                self._give_turns()
            except BaseException as error:  # any error at all: without this thread nobody can train
                log.exception("the engine stopped and restarts")
                self._note_trouble(f"{type(error).__name__}: {error}")
                time.sleep(RECOVER)

    def _note_trouble(self, what: str) -> None:
        self.trouble, self.troubles = what, self.troubles + 1

    def _give_turns(self) -> None:
        """Give a turn to each watched task, and to long questions. If there is nothing to do, wait a little."""
        self._freed.give_back()
        tasks = self._all_tasks()
        self._forget([task for task in tasks if task.over])
        self._questions = [question for question in self._questions if not question.over]
        watched = [task for task in tasks if task.watched() and not task.over]
        sharing = len(watched) + len(self._questions)
        patient = [task for task in watched if task.yields]
        busy = self._turns([task for task in watched if not task.yields], sharing)
        busy += self._turns(self._questions_due(busy), sharing)
        working = sum(task.has_work() for task in patient)
        busy += self._turns(patient, sharing, YIELDED * busy / working if busy and working else 1.0)
        self._saver.look(tasks)
        if not busy:
            self._obey(wait=min([IDLE, *(task.wait() for task in watched)]))

    def _use_threads(self, threads: int | None) -> None:
        """Work with this number of PyTorch's threads, or with the engine's own."""
        wanted = threads or self._threads
        if wanted is not None and wanted != self._threads_now:
            torch.set_num_threads(wanted)
            self._threads_now = wanted

    def _let_go(self, tasks: list[Task]) -> None:
        """Save them for the last time, and remove them from the memory."""
        self._saver.let_go(tasks)
        self._forget(tasks)

    def _questions_due(self, busy: int) -> list[LongQuestion]:
        """The questions that get a turn now: at most as many as there are busy tasks, if there are any. So all
        questions together take at most half of the turns. The others wait in a queue."""
        due = self._questions[: busy or None]
        self._questions = self._questions[len(due) :] + due
        return due

    def _turns(self, tasks: Sequence[Task], sharing: int, part: float = 1.0) -> int:
        """Give each task a turn, or a part of a turn. Returns how many of them had work to do."""
        busy = 0
        for task in tasks:
            if self._closing:
                break
            busy += self._turn(task, sharing, part)
            self._obey()
        return busy

    def _turn(self, task: Task, watched: int, part: float) -> bool:
        """Let a task work and publish. An error stops only this task. Returns whether it had work to do."""
        if task.failed:
            return False
        self._use_threads(task.threads)
        try:
            busy = task.has_work()
            if busy:
                task.work(part * SLICE)
            task.refresh(watched)
            if busy or task.has_news():
                task.publish()
            return busy
        except BaseException as error:  # even SystemExit must not stop everybody's tasks
            task.fail(error)
            return False

    def _obey(self, wait: float = 0.0) -> None:
        """Carry out all waiting commands. With `wait`, wait up to that many seconds for the first one."""
        try:
            self._commands.get(block=wait > 0, timeout=wait or None)()
            while True:
                self._commands.get_nowait()()
        except queue.Empty:
            return

    # between threads

    def _between_steps(self, action: Callable[[], Answer]) -> Reply[Answer]:
        """Do something in the engine's thread. An exception goes to the caller through the reply."""
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
        """Restart the thread if it has ended in spite of everything."""
        with self._lock:
            if not self._thread.is_alive() and not self._closing:
                self._note_trouble("its thread had ended")
                self._thread = self._begin()

    def _look(self, task_id: str, owner: str) -> None:
        """A command or a question also counts as watching."""
        task = self.task(task_id, owner)
        if task is not None:
            task.look()

    def _with_seats(self, state: TaskState) -> TaskState:
        """A published state, with the current tokens of the task and of its twin."""
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
