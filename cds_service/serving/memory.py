"""The garbage collector, told what lasts: looking through it again and again finds nothing."""

import gc

#: Objects that come to be between looks at the youngest, and looks between those at the older.
#: A body of 2 MB is 50,000 objects; nearly all of them go by themselves when it is answered.
_THRESHOLDS = (50_000, 20, 50)


def settle() -> None:
    """Set apart what is there now: it is looked at no more, until the next time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
