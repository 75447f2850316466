"""Lessons: Markdown files with a header, those that come with mlpviz and a teacher's own."""

from __future__ import annotations

import functools
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from mlpviz.options import lessons_folder
from mlpviz.settings import Settings
from mlpviz.speed import parse_speed

BUILT_IN = Path(__file__).parent / "text" / "lessons"
MOST_BYTES = 2**20
REQUIRED = ("title", "question", "settings", "predict")
OPTIONAL = ("speed", "lock", "hide", "variant")
SECTIONS = ("Watch", "Answer")
#: What a link or a lesson may hide, besides single fields: the groups of the sidebar.
GROUPS: dict[str, tuple[str, ...]] = {
    "network": ("hidden_sizes", "activation", "init", "seed"),
    "optimizer": ("optimizer", "momentum", "nesterov", "weight_decay"),
    "data": ("dataset", "train_size", "device"),
    "share": (),
    "lessons": (),
}
FIELDS = tuple(Settings().to_dict())


class LessonError(ValueError):
    """A lesson's file can't be used; the message is for the teacher: which file, which line, what to do."""


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        name: the file's, without its ending and the number before it; stands in the address.
        settings: what it sets, as the parameters of an address.
        options: the predictions to choose from. right: the index of the one that comes true.
        variants: other settings to try, by label.
        speed: at which its runs train, one of `mlpviz.speed.SPEEDS`; empty for the one that fits the run.
        lock, hide: names as `parse_controls` gives them.
        watch, answer: Markdown.
    """

    name: str
    title: str
    question: str
    settings: dict[str, str]
    options: tuple[str, ...]
    right: int
    variants: dict[str, dict[str, str]]
    speed: str
    lock: frozenset[str]
    hide: frozenset[str]
    watch: str
    answer: str


def load_lessons() -> tuple[dict[str, Lesson], list[str]]:
    """All lessons by name, the built-in ones first, and what is wrong with files that can't be used. A teacher's file
    takes the place of a built-in one of the same name."""
    lessons: dict[str, Lesson] = {}
    problems: list[str] = []
    for path in (*_files(BUILT_IN), *_files(lessons_folder())):
        try:
            lesson = _kept(path, path.stat().st_mtime_ns)
        except OSError as error:
            problems.append(f"{path.name} can’t be read ({error.strerror}).")
        except LessonError as error:
            problems.append(str(error))
        else:
            lessons[lesson.name] = lesson
    return lessons, problems


@functools.lru_cache(maxsize=500)
def _kept(path: Path, changed: int) -> Lesson:
    """The lesson as the file has it since that moment."""
    return read_lesson(path)


def read_lesson(path: Path) -> Lesson:
    """Read one file.

    Raises:
        LessonError: it can't be read, or isn't a lesson; says where and what to do.
    """
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):  # reading anything else, such as a pipe, may never end
            raise LessonError(f"{path.name} is not a file. Take it out of the folder of lessons.")
        if kind.st_size > MOST_BYTES:
            raise LessonError(f"{path.name} is larger than a megabyte. A lesson is a page of text.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise LessonError(f"{path.name} can’t be read ({why}). Save it as a text file in UTF-8.") from None
    header, body = _split(path, text)
    fields, variants = _header(path, header)
    sections = _sections(path, body)
    options, right = _options(path, fields["predict"])
    return Lesson(
        name=re.sub(r"^\d+-", "", path.stem),
        title=fields["title"],
        question=fields["question"],
        settings=_settings(path, "settings", fields["settings"]),
        options=options,
        right=right,
        variants={label: _settings(path, "variant", query) for label, query in variants},
        speed=_speed(path, fields.get("speed", "")),
        lock=_controls(path, "lock", fields.get("lock", "")),
        hide=_controls(path, "hide", fields.get("hide", "")),
        watch=sections["Watch"],
        answer=sections["Answer"],
    )


def parse_controls(text: str) -> frozenset[str]:
    """Names of fields and groups, parted by commas; "all" is every field.

    Raises:
        ValueError: there is no such field or group.
    """
    known, unknown = known_controls(text)
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no control; they are all, {', '.join((*GROUPS, *FIELDS))}")
    return known


def known_controls(text: str) -> tuple[frozenset[str], list[str]]:
    """The same, and the names that are no controls: a link with a slip of the pen still locks the rest."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name != "all" and name not in FIELDS and name not in GROUPS]
    every = FIELDS if "all" in names else ()
    return frozenset(every) | frozenset(names) - {"all", *unknown}, unknown


def covers(controls: frozenset[str], field: str) -> bool:
    """Whether the field is among them, by itself or by its group."""
    return field in controls or any(group in controls and field in members for group, members in GROUPS.items())


def _files(folder: Path) -> list[Path]:
    """Those that are meant: what begins with a dot is an editor's own, and a README is about the folder."""
    paths = folder.glob("*.md") if folder.is_dir() else []
    return sorted(path for path in paths if not path.name.startswith(".") and path.stem.lower() != "readme")


def _split(path: Path, text: str) -> tuple[list[tuple[int, str]], str]:
    """The header's lines with their numbers, and the text below it."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        raise LessonError(f"{path.name}, line 1: a lesson begins with a line of three dashes, ---, then its header.")
    ends = [i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"]
    if not ends:
        raise LessonError(f"{path.name}: the header has no end. Put a line of three dashes, ---, below it.")
    return [(i + 1, lines[i]) for i in range(1, ends[0])], "\n".join(lines[ends[0] + 1 :])


def _header(path: Path, lines: list[tuple[int, str]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    fields: dict[str, str] = {}
    variants = []
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon or not value:
            raise LessonError(
                f"{path.name}, line {number}: write it as “name: value”, such as “title: Too high a rate”."
            )
        if key not in REQUIRED + OPTIONAL:
            known = ", ".join(REQUIRED + OPTIONAL)
            raise LessonError(f"{path.name}, line {number}: {key!r} is not known here; a header may have {known}.")
        if key == "variant":
            label, between, query = value.partition(": ")
            if not between:
                raise LessonError(
                    f"{path.name}, line {number}: write a variant as “variant: Its label: batch_size=1&epochs=1”."
                )
            variants.append((label, query.strip()))
        elif key in fields:
            raise LessonError(f"{path.name}, line {number}: {key} is given twice. Keep one.")
        else:
            fields[key] = value
    for key in REQUIRED:
        if key not in fields:
            raise LessonError(f"{path.name}: the header lacks “{key}: …”. Add it between the dashes.")
    return fields, variants


def _sections(path: Path, body: str) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in body.splitlines():
        if line.startswith("## "):
            current = sections.setdefault(line[3:].strip(), [])
        else:
            current.append(line)
    for name in SECTIONS:
        if not "\n".join(sections.get(name, [])).strip():
            raise LessonError(f"{path.name}: there is no text under “## {name}”. Add it.")
    return {name: "\n".join(sections[name]).strip() for name in SECTIONS}


def _settings(path: Path, key: str, query: str) -> dict[str, str]:
    params = dict(parse_qsl(query.lstrip("?"), keep_blank_values=True))
    unknown = [name for name in params if name not in FIELDS]
    if unknown or not params:
        what = f"{unknown[0]!r} is no setting" if unknown else f"{query!r} holds no setting"
        raise LessonError(f"{path.name}, {key}: {what}. Copy the part behind the “?” of a link from the page’s Share.")
    try:
        Settings.from_params(params)
    except ValueError as error:
        raise LessonError(f"{path.name}, {key}: {error}") from None
    return params


def _speed(path: Path, text: str) -> str:
    try:
        return parse_speed(text) if text else ""
    except ValueError as error:
        raise LessonError(f"{path.name}, speed: {error}") from None


def _options(path: Path, text: str) -> tuple[tuple[str, ...], int]:
    options = [option.strip() for option in text.split("|")]
    marked = [i for i, option in enumerate(options) if option.startswith("*")]
    if len(options) < 2 or len(marked) != 1 or not all(option.strip("* ") for option in options):
        raise LessonError(
            f"{path.name}, predict: give two answers or more, parted by |, and a * before the one that comes true."
        )
    return tuple(option.lstrip("* ") for option in options), marked[0]


def _controls(path: Path, key: str, text: str) -> frozenset[str]:
    try:
        return parse_controls(text)
    except ValueError as error:
        raise LessonError(f"{path.name}, {key}: {error}.") from None


def names(controls: Iterable[str]) -> str:
    """The inverse of `parse_controls`."""
    controls = set(controls)
    if controls >= set(FIELDS):
        controls = controls - set(FIELDS) | {"all"}
    return ",".join(sorted(controls))
