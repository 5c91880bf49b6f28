"""The pictures of the README. ``make screenshots`` has SCREENSHOTS say where they belong."""

import os
from pathlib import Path

import pytest

from .conftest import Window

CASE = "/?case=subcutaneous-clear-20mm-consider-radiation-follow-up-due"
LARGEST = 400_000


@pytest.mark.parametrize(("name", "scheme"), [("workbench", "light"), ("workbench-dark", "dark")])
def test_workbench(window: Window, tmp_path: Path, name: str, scheme: str) -> None:
    """A worked case from the top to its time line, on a fixed day, in a size for a README."""
    shown = window(viewport={"width": 1300, "height": 900}, color_scheme=scheme)
    page = shown.open(CASE)
    box = page.locator("section", has=page.locator("#timeline")).bounding_box()
    assert box
    path = Path(os.environ.get("SCREENSHOTS") or tmp_path) / f"{name}.png"
    clip = {"x": 0, "y": 0, "width": 1300, "height": box["y"] + box["height"] + 16}
    page.screenshot(path=path, full_page=True, clip=clip)
    assert 50_000 < path.stat().st_size < LARGEST
