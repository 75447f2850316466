"""Which images a run shows its answers for."""

from __future__ import annotations

from dataclasses import dataclass

ONE_PER_CLASS, HARDEST = "classes", "hardest"
MOST = 10  # test images
PIXELS = 28 * 28


@dataclass(frozen=True)
class Examples:
    """A choice of images. No result of the run depends on it.

    Attributes:
        kind: why these: `ONE_PER_CLASS` or `HARDEST`.
        indices: of test images. Empty: the run takes the first test image of each class.
        own: a picture by the reader, 784 grey values; it comes before the test images. Empty if there is none.
        focus: which one of all these is drawn through the network, counted from 0.
        run, step: the run and its evaluation in which these were the hardest.
    """

    kind: str = ONE_PER_CLASS
    indices: tuple[int, ...] = ()
    own: bytes = b""
    focus: int = 0
    run: str = ""
    step: int = 0

    def image_at(self, position: int) -> int | None:
        """The index of the test image at this position; None for the reader's own picture."""
        place = position - bool(self.own)
        return self.indices[place] if place >= 0 else None

    def check(self, test_size: int) -> Examples:
        """The same choice, if it is possible with this many test images.

        Raises:
            ValueError: it is not.
        """
        if self.kind not in (ONE_PER_CLASS, HARDEST) or len(self.indices) > MOST:
            raise ValueError(f"Choose at most {MOST} test images: one per class, or the hardest.")
        if not all(0 <= index < test_size for index in self.indices):
            raise ValueError(f"There are only {test_size:,} test images, counted from 0.")
        if len(self.own) not in (0, PIXELS):
            raise ValueError(f"A picture needs {PIXELS} grey values, row by row.")
        if not 0 <= self.focus < len(self.indices) + bool(self.own):
            raise ValueError("Choose one of the images that are shown.")
        return self
