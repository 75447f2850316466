"""Saved tasks as bytes, for the file. What never changes in a task, such as a checkpoint, is a piece of its own: it is
written once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from mlpviz.runs.saving import Saved
from mlpviz.state import SavedRun
from mlpviz.store.codec import Codec
from mlpviz.store.database import Row


def _nobody(names: frozenset[str]) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, eq=False)
class Parcel:
    """A task as bytes, on its way from a worker to the file.

    Attributes:
        names: of all its pieces. pieces: by name, those that the file may not have yet.
        tell: is called with the names of its pieces when it is in the file, and with none if the file lacks some that
            the parcel does not bring.
    """

    row: Row
    names: frozenset[str]
    pieces: Mapping[str, bytes]
    tell: Callable[[frozenset[str]], None] = _nobody

    @property
    def id(self) -> str:
        """The task's."""
        return self.row.id

    @property
    def owner(self) -> str:
        """The visitor who has the task."""
        return self.row.owner


class Packer:
    """Turns tasks into bytes and back. A piece keeps its name for as long as the object exists."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._names: WeakKeyDictionary[object, str] = WeakKeyDictionary()

    def pack(self, saved: Saved) -> tuple[Row, dict[str, object]]:
        """The row of a task, and its pieces by name."""
        pieces: dict[str, object] = {}

        def refer(piece: object) -> str:
            name = self._names.setdefault(piece, secrets.token_urlsafe(9))
            pieces[name] = piece
            return name

        state = self._codec.encode(saved.state, refer)
        about = self._codec.encode(saved.about) if saved.about is not None else None
        return Row(saved.id, saved.owner, saved.token, saved.kind, about, state), pieces

    def encode(self, piece: object) -> bytes:
        """A piece as bytes."""
        return self._codec.encode(piece)

    def parcel(self, saved: Saved, in_file: Collection[str] = ()) -> Parcel:
        """The task as bytes, without the pieces that are in the file already."""
        row, pieces = self.pack(saved)
        new = {name: self.encode(piece) for name, piece in pieces.items() if name not in in_file}
        return Parcel(row, frozenset(pieces), new)

    def copy(self, saved: Saved) -> Saved:
        """The same as from the file, for a task that could not be written."""
        pieces: dict[str, object] = {}

        def refer(piece: object) -> str:
            pieces[str(id(piece))] = piece
            return str(id(piece))

        state = self._codec.decode(self._codec.encode(saved.state, refer), pieces.__getitem__)
        return replace(saved, state=state)

    def unpack(self, row: Row, pieces: Mapping[str, bytes]) -> Saved:
        """The task again.

        Raises:
            UnreadableError: the bytes are damaged, or another version of mlpviz made them.
        """
        state = self._codec.decode(row.state, lambda name: self._piece(name, pieces[name]))
        return Saved(row.id, row.owner, row.token, row.kind, self.about(row), state)

    def about(self, row: Row) -> SavedRun | None:
        """What the list of runs shows of it; None for a pin."""
        if row.about is None:
            return None
        about: SavedRun = self._codec.decode(row.about)
        about = replace(about, made_at=row.made_at, saved_at=row.saved_at)
        return replace(about, name=row.name, note=row.note, elsewhere=row.elsewhere)

    def _piece(self, name: str, data: bytes) -> object:
        piece = self._codec.decode(data)
        self._names[piece] = name
        return piece
