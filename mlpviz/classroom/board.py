"""What the teacher's board gets: one moment of the class, encoded once for all who look."""

from __future__ import annotations

import asyncio
import math
import time

from mlpviz.backend.door import Backend
from mlpviz.backend.parts import Encoder, Newest
from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.figures.classroom import places
from mlpviz.grid import Axis
from mlpviz.snapshot import ClassSnapshot, Glance, Poll, Seat, Status

NEAR = 1e-6  # of the map: points that are the same
PATIENCE = 2.0  # seconds for a look at all runs
PERIOD = 0.4  # seconds between two moments
VERSIONS = 10  # as for runs that come back: versions begin at so many times the seconds since 1970
#: The axes of the map as long as nothing was dealt.
RATES = Axis("learning_rate", (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0))
SIZES = Axis("batch_size", (1, 4, 16, 64, 256, 1024, 4096))


class ClassBoard:
    """Makes the snapshots of one class. All its methods are called in one event loop."""

    def __init__(self, room: Classroom) -> None:
        self._room = room
        self._encoder = Encoder()
        self._glances: dict[str, Glance] = {}  # the latest of each student, by the student's id
        self._snapshot: ClassSnapshot | None = None
        self._shown: object = None
        self._asked_at = -PERIOD

    async def newest(
        self, backend: Backend, have: tuple[str, int] | None, only: frozenset[str], without: frozenset[str]
    ) -> Newest:
        """As `Backend.newest`, for the class."""
        snapshot = await self._look(backend)
        return self._encoder.newest(snapshot, have, only, without)

    def known(self) -> dict[str, Glance]:
        """The runs as they were seen last, by the student's id."""
        return dict(self._glances)

    def student_at(self, x: float, y: float) -> str:
        """The id of the student whose point of the map this is; empty if it is nobody's."""
        placed = places(self._snapshot) if self._snapshot is not None else {}
        return next((each for each, at in placed.items() if math.dist(at, (x, y)) < NEAR), "")

    async def _look(self, backend: Backend) -> ClassSnapshot:
        """The present moment; the one before it if it is new enough, or if nothing has changed."""
        now = time.monotonic()
        if self._snapshot is not None and now - self._asked_at < PERIOD:
            return self._snapshot
        self._asked_at = now
        members = self._room.present()
        try:
            found = await asyncio.wait_for(backend.glances([member.token for member in members]), PATIENCE)
        except TimeoutError:
            found = {}  # what is known is shown
        for member in members:
            glance = found.get(member.token)
            if glance is not None and glance.run == member.run:  # and not an earlier one that had the same token
                self._glances[member.id] = glance
        version = self._snapshot.version + 1 if self._snapshot is not None else int(VERSIONS * time.time())
        snapshot = self._make(members, version)
        shown = self._to_show(snapshot)
        if self._snapshot is None or shown != self._shown:
            self._snapshot, self._shown = snapshot, shown
        return self._snapshot

    def _make(self, members: list[Member], version: int) -> ClassSnapshot:
        room = self._room
        seats = tuple(self._seat(member) for member in members)
        cells = [seat.glance.cell for seat in seats if seat.glance is not None]
        axes = room.grid.axes if room.grid is not None else (SIZES, RATES)
        return ClassSnapshot(
            version=version,
            run=room.id,
            status=Status.PAUSED,
            message="",
            step=sum(cell.step for cell in cells),
            total_steps=sum(cell.total_steps for cell in cells),
            x=axes[0],
            y=axes[-1],
            dealt=room.grid is not None,
            seats=seats,
            poll=self._poll(),
        )

    def _seat(self, member: Member) -> Seat:
        room, question = self._room, self._room.question
        predicts = question is not None and question.id in member.answers
        name = "" if room.hides_names else member.name
        return Seat(member.id, member.number, name, member.here, predicts, self._glances.get(member.id))

    def _poll(self) -> Poll | None:
        question = self._room.question
        if question is None:
            return None
        counts = self._room.counts(question)
        shown = counts if question.shown else ()
        return Poll(question.text, tuple(question.options), sum(counts), shown, question.outcome)

    def _to_show(self, snapshot: ClassSnapshot) -> object:
        """A value that changes when there is something new to show."""
        seats = [(seat.id, seat.name, seat.here, seat.predicts, _version(seat.glance)) for seat in snapshot.seats]
        return (seats, snapshot.poll, snapshot.x, snapshot.y, snapshot.dealt)


def _version(glance: Glance | None) -> tuple[str, int, Status] | None:
    return (glance.run, glance.version, glance.status) if glance is not None else None
