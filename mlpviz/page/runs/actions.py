"""What can be done with saved runs. All of these are callbacks."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlpviz.backend.commands import Pause
from mlpviz.backend.door import NotNowError
from mlpviz.page import door, memory
from mlpviz.page.fields import fill
from mlpviz.page.pins import MOST, pin_run, pinned
from mlpviz.page.rewind import branch_from
from mlpviz.page.views import WATCH
from mlpviz.state import RunState, SavedRun

FAILED = "That did not work, because the file of saved runs can’t be written now. Nothing was changed."


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
    if found is None:
        return
    branched = branch_from(found, found.step)
    if branched and found.id != run.id:
        door.tell(run, Pause())
        memory.VISIT.get().previous = run.id
    st.session_state[memory.VIEW] = WATCH


def pin_saved(runs: Sequence[SavedRun], run: RunState) -> None:
    """Pin the saved runs, as many as can be: draw their curves behind the run on the page."""
    free = MOST - len(pinned())
    if len(runs) > free:
        memory.PIN_PROBLEM.set(f"At most {MOST} runs can be pinned. {free} of these {len(runs)} were pinned.")
    for saved in runs[:free]:
        found = _found(saved)
        if found is not None:
            pin_run(found)
            if found.id not in (run.id, memory.VISIT.get().previous):
                door.put_away(found.id)


def write_words(saved: SavedRun) -> None:
    """Keep the name and the note that the visitor has typed."""
    name, note = (str(st.session_state.get(f"{key}_{saved.id}", "")) for key in (memory.RUN_NAME, memory.RUN_NOTE))
    if not door.write_words(saved.id, name.strip()[:80], note.strip()[:400]):
        memory.PROBLEM.set(FAILED)


def delete(runs: Sequence[SavedRun], run: RunState) -> None:
    """Delete saved runs. For an hour this can be undone. The run on the page stays, and so do those that another server
    has open."""
    stay = [saved for saved in runs if saved.id == run.id or saved.elsewhere]
    deleted = [saved.id for saved in runs if saved not in stay and door.delete_saved(saved.id)]
    memory.DELETED.set(deleted)
    if len(deleted) + len(stay) < len(runs):
        memory.PROBLEM.set(FAILED)
    if stay:
        text = "You can’t delete a run that is open, here or on another server. Open another run first."
        memory.NOTES.get().append(text)


def undo_delete() -> None:
    """Bring back what was deleted last."""
    left = [run_id for run_id in memory.DELETED.get() if not door.delete_saved(run_id, deleted=False)]
    memory.DELETED.set(left)
    if left:
        memory.PROBLEM.set(FAILED)


def forget_me() -> None:
    """Remove everything of this visitor. The page begins a new run."""
    done = door.forget_me()
    for slot in (
        memory.VISIT,
        memory.PINS,
        memory.OWN_PINS,
        memory.DELETED,
        memory.TASKS,
        memory.MAPS,
        memory.MAP_DELETED,
        memory.BRANCHED,
        memory.REMEMBERED,
    ):
        slot.forget()
    st.query_params.pop("run", None)
    if done:
        memory.NOTES.get().append("All your runs are deleted. Nothing about you is saved now. This is a new run.")
    else:
        memory.PROBLEM.set("Your runs are no longer in memory, but the file can’t be written now. Try again later.")


def _found(saved: SavedRun) -> RunState | None:
    """The run, back in memory; if it can't come back now, the next script run says why."""
    try:
        found = door.find_now(saved.id)
    except NotNowError as error:
        memory.PROBLEM.set(f"This run can’t be opened now. {error}")
        return None
    if not isinstance(found, RunState):
        memory.PROBLEM.set("This run no longer exists.")
        return None
    return found
