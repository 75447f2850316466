"""The colours, said once: figures take them from here, and the page hands them to what the browser draws."""

from __future__ import annotations

# After Okabe and Ito's colours for all kinds of colour vision, darkened where needed to stand out by 3:1 on white and
# on black alike.
BLUE, VERMILLION, GREEN, PURPLE = "#0a78bb", "#d55e00", "#009e73", "#cc6699"
OCHRE, SKY, GREY = "#b07a00", "#2e8fc4", "#808080"
TRAIN, TEST, GUESS, ALARM = BLUE, VERMILLION, GREY, "#d43a3a"
LAYERS = (BLUE, VERMILLION, GREEN, PURPLE, OCHRE, SKY, GREY)

# Pictures of values with a sign, from negative through the page's own background to positive.
NEGATIVE, POSITIVE = "#2166c8", "#ca3228"
ZERO_LIGHT, ZERO_DARK = "#fafafa", "#181b22"
NOT_FINITE = OCHRE

WHITE = "#ffffff"  # ink on dark cells

#: What the browser's side needs, by the names that it knows.
FOR_BROWSER = {
    "negative": NEGATIVE,
    "positive": POSITIVE,
    "zeroLight": ZERO_LIGHT,
    "zeroDark": ZERO_DARK,
    "notFinite": NOT_FINITE,
}

#: The same for style sheets: custom properties.
FOR_STYLES = {"--mlpviz-right": GREEN, "--mlpviz-wrong": VERMILLION, "--mlpviz-alarm": ALARM}


def rgb(color: str) -> tuple[int, int, int]:
    """A colour's red, green and blue, 0 to 255."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def see_through(color: str, opacity: float) -> str:
    """The same colour with an opacity from 0 to 1."""
    return f"rgba({','.join(map(str, rgb(color)))},{opacity:g})"
