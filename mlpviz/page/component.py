"""How a component of ours gets its script."""

from __future__ import annotations


def loader(path: str) -> str:
    """A small script that stays the same and so is sent once; it imports the file `live/<path>`, which its route serves
    and the browser keeps, and calls its `mount` with the component."""
    return f"""
const loading = import(new URL("live/{path}", document.baseURI));
export default function (component) {{
  let stop = null, gone = false;
  loading.then((module) => {{ if (!gone) stop = module.mount(component); }});
  return () => {{ gone = true; if (stop) stop(); }};
}}
"""
