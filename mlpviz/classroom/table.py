"""The results of a class as a table for other programs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.settings import Settings, spell
from mlpviz.snapshot import Glance

RESULTS = ("status", "diagnosis", "step", "total_steps", "train_loss", "test_loss", "test_accuracy")
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute what begins like this


def as_csv(room: Classroom, glances: Mapping[str, Glance]) -> str:
    """One line for each student: the name, the results and the settings of their run, and their answers."""
    names = list(Settings().to_dict())
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    questions = room.questions
    writer.writerow(["number", "name", *RESULTS, *names, *(f"question: {_safe(each.text)}" for each in questions)])
    for member in room.present():
        answers = [member.answers.get(question.id) for question in questions]
        said = [
            _safe(question.options[i]) if i is not None else "" for question, i in zip(questions, answers, strict=True)
        ]
        writer.writerow([str(member.number), _safe(member.name), *_results(member, glances, names), *said])
    return out.getvalue()


def _results(member: Member, glances: Mapping[str, Glance], names: list[str]) -> list[str]:
    glance = glances.get(member.token)
    if glance is None:
        return [""] * (len(RESULTS) + len(names))
    cell = glance.cell
    numbers = [f"{value:.6g}" if value == value else "" for value in (cell.loss, cell.test_loss, cell.test_accuracy)]
    results = [str(glance.status), cell.kind, str(cell.step), str(cell.total_steps), *numbers]
    return [*results, *(spell(getattr(cell.settings, name)) for name in names)]


def _safe(text: str) -> str:
    """The text, marked as text if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
