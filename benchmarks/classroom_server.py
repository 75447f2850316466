"""A server with a class, whose students are there already. `benchmarks.classroom` starts and uses it.

`python -m benchmarks.classroom_server PORT STUDENTS [CELLS]` prints the cookies and the tokens as JSON, then serves the
whole page. All runs train. With CELLS, a map of so many by so many cells was dealt to the students.
"""

from __future__ import annotations

import json
import sys

import streamlit as st

from mlpviz.__main__ import settled_config
from mlpviz.backend.commands import Start
from mlpviz.classroom import lead
from mlpviz.grid import Grid, read_axis
from mlpviz.live.school import get_school, teacher_secret
from mlpviz.live.serving import PAGE, serving
from mlpviz.live.visitor import owner_of
from mlpviz.settings import Settings


def main(port: int, students: int, cells: int = 0, epochs: int = 1000) -> None:
    app = st.App(PAGE, **serving())
    school = get_school()
    settings = Settings(dataset="fashion-mnist-mini", epochs=epochs)
    teacher, cookies = "teacher-teacher-teacher", [f"student-student-{i:04}" for i in range(students)]
    room = school.open(owner_of(teacher), teacher_secret(), "", settings)
    members = [school.join(room, owner_of(cookie), "") for cookie in cookies]
    if cells:
        x, y = read_axis(f"batch_size=16:512:log:{cells}"), read_axis(f"learning_rate=0.01:3:log:{cells}")
        room.deal(Grid(settings.replace(batch_size=16, learning_rate=0.01), 1, x, y))
        lead.give(school.backend, room, room.present())
    lead.tell(school.backend, room.present(), Start())
    tokens = [member.token for member in members]
    print(json.dumps({"teacher": teacher, "class": room.token, "cookies": cookies, "tokens": tokens}), flush=True)
    app.run(config=settled_config() | {"server.port": port, "server.headless": True})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
