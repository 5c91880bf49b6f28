"""What ends a run before anything is written."""


class ScreenError(Exception):
    """The run cannot go on; the message says why, and what to do, without patient data."""
