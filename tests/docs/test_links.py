"""Every link of the documentation leads somewhere, and every page is found from the first."""

from pathlib import PurePosixPath

import pytest

from .pages import PAGES, ROOT, anchors, links


def resolved(page: str, link: str) -> tuple[str, str]:
    """Return the file or directory that a relative link means, and the anchor in it."""
    name, _, anchor = link.partition("#")
    if not name:
        return page, anchor
    path = (ROOT / page).parent / name
    return path.resolve().relative_to(ROOT).as_posix(), anchor


def own(page: str) -> tuple[tuple[str, str], ...]:
    """Return where a page's relative links lead."""
    outside = ("http://", "https://", "mailto:")
    return tuple(resolved(page, link) for link in links(page) if not link.startswith(outside))


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str) -> None:
    """Files, directories and headings that are linked to are there."""
    for target, anchor in own(page):
        assert (ROOT / target).exists(), target
        if anchor and target.endswith(".md"):
            assert anchor in anchors(target), f"{target}#{anchor}"


def test_reachable() -> None:
    """From the README every page can be reached; a link to a directory shows all that is in it."""
    seen: set[str] = set()
    following = ["README.md"]
    while following:
        page = following.pop()
        if page in seen:
            continue
        seen.add(page)
        for target, _ in own(page):
            if (ROOT / target).is_dir():
                following += [
                    one for one in PAGES if PurePosixPath(one).parent.as_posix() == target
                ]
            elif target in PAGES:
                following.append(target)
    assert set(PAGES) - seen == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_headings(page: str) -> None:
    """No page says the same thing twice under one heading."""
    assert not [anchor for anchor in anchors(page) if anchor.endswith("-1")]
