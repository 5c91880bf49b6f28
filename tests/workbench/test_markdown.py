import re

import pytest

from cds_service.workbench.markdown import rendered

ALLOWED = {"p", "strong", "em", "ul", "ol", "li", "a", "code", "pre", "br", "hr", "blockquote", "s"}


def test_card() -> None:
    """What cards are written with is rendered: bold, italics, lists, escaped characters."""
    html = rendered("**Source:** \\*x\\* &lt;b&gt;\n\n- one – *Condition/dx*\n- two")
    assert "<strong>Source:</strong> *x* &lt;b&gt;" in html
    assert html.count("<li>") == 2
    assert "<em>Condition/dx</em>" in html


def test_table() -> None:
    """A table of GitHub-flavoured Markdown is one."""
    assert "<td>1</td>" in rendered("| a |\n|---|\n| 1 |")


def test_link() -> None:
    """A link to the web is one, and tells the other side nothing."""
    html = rendered("[x](https://example.org/a)")
    assert html.strip() == '<p><a href="https://example.org/a" rel="noopener noreferrer">x</a></p>'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "x <b onclick=alert(1)>y</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example.org)",
        "[x](/relative)",
        "<javascript:alert(1)>",
        "![x](https://evil.example.org/pixel.png)",
        "[x]: javascript:alert(1)\n\n[x]",
        "```\n</code></pre><script>alert(1)</script>\n```",
        '[x](https://a.example.org/"onmouseover="alert(1))',
        "<!-- --><svg/onload=alert(1)>",
        "[x](https://a.example.org 'a\"onmouseover=alert(1) b')",
    ],
)
def test_inert(text: str) -> None:
    """Nothing in a card's text can run, load, or lead anywhere but to a web address."""
    html = rendered(text)
    for name, attributes in re.findall(r"<([a-zA-Z]+)((?:\s[^<>]*)?)>", html):
        assert name in ALLOWED
        names = re.findall(r'([\w-]+)="[^"]*"', attributes)
        assert set(names) <= {"href", "rel", "title"}
        assert 'href="' not in attributes or 'href="https://a.example.org' in attributes
    assert "<script" not in html
    assert "<img" not in html
