// The browser's Back goes to the view before. Streamlit would make an entry of each change of the address, also of each
// move of a slider.

let ours = false; // whether it is set up already

export function keepHistoryShort() {
  if (ours) return;
  ours = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const same = url === undefined || url === null || viewOf(new URL(url, location.href)) === viewOf(location);
    if (same) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}

/**
 * What Back tells apart.
 * @param {{ search: string }} address
 */
export function viewOf({ search }) {
  return new URLSearchParams(search).get("view") ?? "";
}
