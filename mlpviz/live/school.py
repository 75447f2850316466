"""The classes of this server."""

from __future__ import annotations

import functools
import secrets

from mlpviz import options
from mlpviz.classroom.school import School
from mlpviz.live.backend import get_backend


@functools.cache
def teacher_secret() -> str:
    """With this text, somebody may open a class: the one from the options, or a random one for this server."""
    return options.teacher_secret() or secrets.token_urlsafe(6)


@functools.cache
def get_school() -> School:
    """The classes that the page and the live route use. It is made at the first call."""
    return School(get_backend(), teacher_secret())
