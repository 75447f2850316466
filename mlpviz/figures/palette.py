"""All colours, in one place: the figures use them, and the page passes them on to the code in the browser."""

from __future__ import annotations

# Based on the colours of Okabe and Ito, which suit all kinds of colour vision. Some are darker, so that the contrast is
# 3:1 or more both on white and on black. Then their purple looks like their green to people who see no green; violet
# does not.
BLUE, VERMILLION, GREEN, VIOLET = "#0a78bb", "#d55e00", "#009e73", "#9a4be8"
OCHRE, SKY, GREY = "#b07a00", "#2e8fc4", "#808080"
TRAIN, TEST, GUESS, ALARM = BLUE, VERMILLION, GREY, "#d43a3a"
LAYERS = (BLUE, VERMILLION, GREEN, VIOLET, OCHRE, SKY, GREY)
#: So that layers differ without colour. Dots belong to a twin.
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot", "8px,2px", "12px,3px,3px,3px,3px,3px")

# For pictures of values with a sign: from negative, through the background of the page, to positive.
NEGATIVE, POSITIVE = "#2166c8", "#ca3228"
ZERO_LIGHT, ZERO_DARK = "#fafafa", "#181b22"
NOT_FINITE = OCHRE

WHITE, INK = "#ffffff", "#10151e"  # of lines and text on a coloured map

#: The colours that the code in the browser needs, by its names for them.
FOR_BROWSER = {
    "negative": NEGATIVE,
    "positive": POSITIVE,
    "zeroLight": ZERO_LIGHT,
    "zeroDark": ZERO_DARK,
    "notFinite": NOT_FINITE,
}

#: The colours that the style sheets need, as custom properties.
FOR_STYLES = {
    "--mlpviz-right": GREEN,
    "--mlpviz-wrong": VERMILLION,
    "--mlpviz-alarm": ALARM,
    "--mlpviz-test": TEST,
    "--mlpviz-negative": NEGATIVE,
    "--mlpviz-positive": POSITIVE,
}


def rgb(color: str) -> tuple[int, int, int]:
    """The red, green and blue of a colour, 0 to 255."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def see_through(color: str, opacity: float) -> str:
    """The colour with an opacity from 0 to 1."""
    return f"rgba({','.join(map(str, rgb(color)))},{opacity:g})"
