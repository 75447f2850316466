"""What the browser gets before Streamlit has started: a sign that the page is loading, and what to load meanwhile."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mlpviz.live.held import held_back, without
from mlpviz.live.routes import BOARD, PLOTLY_URL
from mlpviz.live.visitor import is_page

LATER = {"figure.js", "types.js"}  # the other views need it; nobody needs it
MODULES = sorted(path.name for path in BOARD.glob("*.js") if path.name not in LATER)
# Until the board is there, Streamlit's parts come one by one and move each other. So the page shows itself when it has
# its form, or when there is something to say.
STYLE = """
<style>
html:not(:has(.board, .mlpviz-ready, .stAlert, .stException, [role="dialog"])) .stApp { visibility: hidden; }
html:not(:has(.board, .mlpviz-ready, .stAlert, .stException, [role="dialog"])) body::before {
  content: "mlpviz is loading…"; position: fixed; inset: 45vh 0 auto; text-align: center; z-index: 1;
  font: 600 1.5rem system-ui, sans-serif; color: #10151e;
  animation: mlpviz-loading 1.2s ease-in-out infinite alternate; }
@media (prefers-color-scheme: dark) {
  html { background: #12161d; }
  html:not(:has(.board, .mlpviz-ready, .stAlert, .stException, [role="dialog"])) body::before { color: #e8ebf0; }
}
@keyframes mlpviz-loading { from { opacity: 0.8; } to { opacity: 0.35; } }
@media (prefers-reduced-motion: reduce) { html body::before { animation: none !important; } }
</style>
"""
LINKS = "".join(
    [
        *(f'<link rel="modulepreload" href="./live/board/{name}">' for name in MODULES),
        f'<link rel="preload" as="script" fetchpriority="low" href="./{PLOTLY_URL}">',
    ]
)
# A teacher's secret in the address must not come back with the browser's Back.
HISTORY = """
<script>{
  const push = history.pushState.bind(history);
  const secret = () => location.search.includes("teach=");
  history.pushState = (...entry) => (secret() ? history.replaceState(...entry) : push(...entry));
}</script>
"""
FIRST = (STYLE + HISTORY + LINKS).encode()


class FirstPaint:
    """Middleware: puts `FIRST` into the head of the page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if scope.get("method") != "GET" or "text/html" not in asked.get("accept", ""):
            await self.app(scope, receive, send)
            return
        # The server's tags say when Streamlit's page has changed, not when this head has. So the page is never kept.
        fresh = without(scope, "accept-encoding", "if-none-match", "if-modified-since")
        page = await held_back(self.app, fresh, receive, send, lambda status, headers: is_page(asked, headers, status))
        if page is None:
            return
        page.body = page.body.replace(b"</head>", FIRST + b"</head>", 1)
        del page.headers["etag"], page.headers["last-modified"]
        await page.give(send)
