"""A card's detail as HTML, whatever it holds: no markup of its own, no address but http(s)."""

from functools import cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markupsafe import Markup, escape


def rendered(text: str) -> Markup:
    """Return GitHub-flavoured Markdown as HTML: raw HTML shows as text, an image as its words."""
    return Markup(_reader().render(text))  # noqa: S704 - html is off, so the renderer escapes


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the base class's
        return is_link(url)


@cache
def _reader() -> MarkdownIt:
    reader = _Reader("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.disable(["html_block", "html_inline"])
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("image", _image)
    return reader


def is_link(url: str) -> bool:
    """Return whether an address may be a link: http and https alone."""
    try:
        return urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False


def _link(
    renderer: RendererProtocol, tokens: list[Token], index: int, options: object, env: object
) -> str:
    del options, env
    tokens[index].attrSet("rel", "noopener noreferrer")
    return str(renderer.renderToken(tokens, index, {}, {}))  # type: ignore[attr-defined]


def _image(
    renderer: RendererProtocol, tokens: list[Token], index: int, options: object, env: object
) -> str:
    """Return the words that stand for an image."""
    del renderer, options, env
    return str(escape(tokens[index].content))
