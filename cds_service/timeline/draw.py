"""Drawing SVG: elements with classes, presentation attributes, and no style."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable

#: Widths of letters in parts of the font size, on the wide side of system fonts.
_LETTER, _BOLD, _NARROW, _CAPITAL, _WIDE = 0.61, 0.69, 0.38, 0.78, 1.1
_HATCH = 6


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is drawn, rather too wide than too narrow."""
    letter = _BOLD if bold else _LETTER
    return size * sum(_share(c, letter) for c in text)


def _share(character: str, letter: float) -> float:
    if character in " .,:;ijl|'·()":
        return _NARROW
    if character in "MWmw@%—…" or not character.isascii():
        return _WIDE
    return _CAPITAL if character.isupper() else letter


def fitting(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return the text, cut where it would be wider."""
    if width_of(text, size, bold=bold) <= width:
        return text
    while text and width_of(text + "…", size, bold=bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


class Drawing:
    """An SVG element being drawn; y grows downwards."""

    def __init__(self, ident: str, *, width: int, title: str, lines: Iterable[str]) -> None:
        """Begin a picture with its name, and all that it shows in ``lines`` of text."""
        self._ident = ident
        self._width = width
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "id": ident,
                "class": "tl",
                "role": "img",
                "aria-labelledby": f"{ident}-title {ident}-desc",
                "font-family": "system-ui, sans-serif",
                "fill": "currentColor",
            },
        )
        ET.SubElement(self._root, "title", id=f"{ident}-title").text = _printable(title)
        said = _printable("\n".join(lines))
        ET.SubElement(self._root, "desc", id=f"{ident}-desc").text = said
        pattern = ET.SubElement(
            ET.SubElement(self._root, "defs"),
            "pattern",
            {
                "id": f"{ident}-hatch",
                "width": f"{_HATCH}",
                "height": f"{_HATCH}",
                "patternUnits": "userSpaceOnUse",
                "patternTransform": "rotate(45)",
            },
        )
        bar = {"width": "2.5", "height": f"{_HATCH}", "class": "tl-hatch"}
        ET.SubElement(pattern, "rect", bar)

    def text_of(self, *, height: float) -> str:
        """Return the finished picture."""
        self._root.set("viewBox", f"0 0 {self._width} {height:g}")
        self._root.set("width", f"{self._width}")
        self._root.set("height", f"{height:g}")
        return ET.tostring(self._root, encoding="unicode")

    def text(
        self,
        x: float,
        y: float,
        said: str,
        name: str,
        *,
        size: int,
        bold: bool = False,
        anchor: str = "start",
    ) -> None:
        """Write a line of text, cut at the picture's right edge; nothing where it is empty."""
        room = {"start": self._width - x, "end": x}.get(anchor, self._width)
        if said := fitting(_printable(said), room, size, bold=bold):
            places = {"x": _number(x), "y": _number(y), "font-size": f"{size}"}
            more = {"font-weight": "600"} if bold else {}
            more |= {} if anchor == "start" else {"text-anchor": anchor}
            self._add("text", name.strip(), places | more).text = said

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        name: str,
        *,
        width: float = 1,
        dashes: str = "",
    ) -> None:
        """Draw a straight line."""
        ends = {"x1": _number(x1), "y1": _number(y1), "x2": _number(x2), "y2": _number(y2)}
        more = {"stroke-dasharray": dashes} if dashes else {}
        self._add("line", name, {**ends, **_stroke(width), **more})

    def rect(
        self, x: float, y: float, width: float, height: float, name: str, *, outline: bool = False
    ) -> None:
        """Draw a rectangle, filled or as an outline."""
        look = {"fill": "none", **_stroke(1)} if outline else {"fill": "currentColor"}
        self._add("rect", name, {**_box(x, y, width, height), **look})

    def hatched(self, x: float, y: float, width: float, height: float, name: str) -> None:
        """Draw a hatched rectangle."""
        look = {"fill": f"url(#{self._ident}-hatch)", **_stroke(1)}
        self._add("rect", name, {**_box(x, y, width, height), **look})

    def circle(self, x: float, y: float, radius: float, name: str, *, hollow: bool = False) -> None:
        """Draw a circle."""
        look = {"fill": "none", **_stroke(2)} if hollow else {"fill": "currentColor"}
        place = {"cx": _number(x), "cy": _number(y), "r": _number(radius)}
        self._add("circle", name, {**place, **look})

    def path(self, data: str, name: str, *, hollow: bool = False) -> None:
        """Draw a path."""
        look = {"fill": "none", **_stroke(2)} if hollow else {"fill": "currentColor"}
        self._add("path", name, {"d": data, **look})

    def cut(self, x: float, y: float) -> None:
        """Draw the sign for a part of the axis that is left out."""
        self._add("rect", "tl-paper", {**_box(x - 4, y - 2, 8, 4), "fill": "Canvas"})
        for side in (-4, 4):
            self.line(x + side - 3, y + 7, x + side + 3, y - 7, "tl-cut", width=2)

    def _add(self, kind: str, name: str, attributes: dict[str, str]) -> ET.Element:
        return ET.SubElement(self._root, kind, {"class": name, **attributes})


def _box(x: float, y: float, width: float, height: float) -> dict[str, str]:
    return {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height)}


def _stroke(width: float) -> dict[str, str]:
    return {"stroke": "currentColor", "stroke-width": f"{width:g}"}


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _printable(text: str) -> str:
    """Return the text without what XML cannot hold, or what would turn its direction."""
    kept = (c if c.isprintable() or c == "\n" else " " if c.isspace() else "" for c in text)
    return "".join(kept)
