import json

import pytest

from cds_service.replay.layout import dumps, load


def test_what_fits_on_a_line_stands_on_one_line() -> None:
    """Small objects stay on a line, large ones are broken, and both read back the same."""
    value = {"small": {"a": 1, "b": [True, None]}, "large": [{"text": "é" * 60}] * 3, "none": []}
    text = dumps(value)
    assert '"small": {"a": 1, "b": [true, null]},' in text
    assert max(map(len, text.splitlines())) <= 110
    assert json.loads(text) == value


def test_invalid_json_names_line_and_column() -> None:
    """The message says where the JSON breaks."""
    with pytest.raises(ValueError, match="line 2, column"):
        load(b'{\n"a": }')


def test_json_that_is_no_object_is_refused() -> None:
    """A list is valid JSON and no chart."""
    with pytest.raises(ValueError, match="holds a JSON list"):
        load(b"[]")
