"""How the page's own components get their script."""

from __future__ import annotations


def loader(path: str) -> str:
    """A small script that never changes, so it is sent once. It imports the file `live/<path>`, which the live route
    serves and the browser caches. Then it calls `mount` in that file with the component."""
    return f"""
const loading = import(new URL("live/{path}", document.baseURI));
export default function (component) {{
  let stop = null, gone = false;
  loading.then((module) => {{ if (!gone) stop = module.mount(component); }});
  return () => {{ gone = true; if (stop) stop(); }};
}}
"""
