"""The files that a page makes when somebody asks for them."""

import io
import zipfile

from mlpviz.page.film import events
from mlpviz.runs.publishing import take_film
from mlpviz.runs.run import Run
from tests.runs.working import SMALL, work_off


def test_the_event_files_are_packed_in_a_folder(tiny):
    run = Run(SMALL, tiny)
    run.start()
    work_off(run)
    packed = zipfile.ZipFile(io.BytesIO(events(take_film(run))))
    (name,) = packed.namelist()
    assert name.startswith("mlpviz/events.out.tfevents.") and len(packed.read(name)) > 10_000
