"""The colours of the page and of the report."""

import re

import pytest

from chaos_dashboard.page import data, live_page

TEXTS = ("ink", "soft", "mute", "ok", "warn", "bad", "odd")
PILLS = ("ok", "warn", "bad", "odd")
HUES = tuple(f"f{index}" for index in range(8))


def themes() -> dict[str, dict[str, str]]:
    """Return the colours of each theme, by name."""
    light, dark, chosen = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root[^{]*\{([^}]*)\}", data("theme.css"))
    )
    assert dark == chosen
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    """Every colour of text has a contrast of 4.5 or more to whatever it stands on, as WCAG AA asks."""
    colours = themes()[theme]
    pairs = [(text, ground) for text in TEXTS for ground in ("card", "bg")]
    pairs += [("ink", "sunk"), ("soft", "sunk"), *((name, f"{name}-bg") for name in PILLS)]
    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_faults_can_be_seen(theme: str) -> None:
    """Every colour of a fault has a contrast of 3 or more, as WCAG asks of graphics, and none is there twice."""
    colours = themes()[theme]
    assert [hue for hue in HUES if contrast(colours[hue], colours["card"]) < 3] == []
    assert len({colours[hue] for hue in HUES}) == len(HUES)


def test_the_notice_of_uplot_is_kept() -> None:
    """The page that is served holds the licence of the library in it."""
    assert b"Copyright (c) 2022 Leon Sorokin" in live_page().content
    assert b"The above copyright notice and this permission notice shall be included" in live_page().content
