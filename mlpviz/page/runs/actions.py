"""What can be done with saved runs. All of these are callbacks."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlpviz.backend.commands import Pause
from mlpviz.page import door, memory
from mlpviz.page.fields import fill
from mlpviz.page.pins import pin_run
from mlpviz.page.rewind import branch_from
from mlpviz.page.views import WATCH
from mlpviz.state import RunState, SavedRun

NOT_HERE = "This run can’t be opened now: another mlpviz server that uses the same file has it open. Close it there."


def open_run(saved: SavedRun, run: RunState) -> None:
    """Show the saved run. Undo brings back the run that was shown before."""
    found = _found(saved)
    if found is None or found.id == run.id:
        return
    visit = memory.VISIT.get()
    door.tell(run, Pause())
    visit.run, visit.previous = found.id, run.id
    memory.OPENED.set(found.id)
    fill(found.settings)
    st.session_state[memory.VIEW] = WATCH


def branch_off(saved: SavedRun, run: RunState) -> None:
    """Show a branch that begins at the last checkpoint of the saved run."""
    found = _found(saved)
    if found is not None:
        memory.VISIT.get().run = found.id
        branch_from(found, found.step)
        st.session_state[memory.VIEW] = WATCH


def pin_saved(runs: Sequence[SavedRun]) -> None:
    """Pin the saved runs: draw their curves behind the run on the page."""
    for saved in runs:
        found = _found(saved)
        if found is not None:
            pin_run(found)


def write_words(saved: SavedRun) -> None:
    """Keep the name and the note that the visitor has typed."""
    name, note = (str(st.session_state.get(f"{key}_{saved.id}", "")) for key in (memory.RUN_NAME, memory.RUN_NOTE))
    door.write_words(saved.id, name.strip()[:80], note.strip()[:400])


def delete(runs: Sequence[SavedRun], run: RunState) -> None:
    """Delete saved runs. For an hour this can be undone. The run on the page stays."""
    deleted = [saved.id for saved in runs if saved.id != run.id]
    for run_id in deleted:
        door.delete_saved(run_id)
    memory.DELETED.set(deleted)
    if len(deleted) < len(runs):
        memory.NOTES.get().append("The run that is shown on the page was not deleted. Open another run first.")


def undo_delete() -> None:
    """Bring back what was deleted last."""
    for run_id in memory.DELETED.take():
        door.delete_saved(run_id, deleted=False)


def forget_me() -> None:
    """Remove everything of this visitor. The page begins a new run."""
    door.forget_me()
    for slot in (memory.VISIT, memory.PINS, memory.OWN_PINS, memory.DELETED, memory.TASKS, memory.BRANCHED):
        slot.forget()
    st.query_params.pop("run", None)
    memory.NOTES.get().append("All your runs are deleted, and nothing of you is saved any more. This is a new run.")


def _found(saved: SavedRun) -> RunState | None:
    """The run, back in memory."""
    found = door.find_run(saved.id)
    if found is None and not memory.PROBLEM.get():
        memory.PROBLEM.set(NOT_HERE)
    return found
