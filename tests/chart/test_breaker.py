"""Circuit breakers: when a server is left alone, and how it comes back."""

import threading

from cds_service.chart.breaker import Breaker, Breakers, Refusal


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Start at nought."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def opened(clock: Clock) -> Breaker:
    """Return a breaker after as many failures as it takes."""
    breaker = Breaker(clock=clock)
    for _ in range(5):
        assert breaker.permit(9) is None
        breaker.record(answered=False)
    return breaker


def test_failures_in_a_row_open() -> None:
    """The fifth failure in a row opens for a second; an answer in between starts anew."""
    breaker = Breaker(clock=Clock())
    for answered in (False, False, False, False, True, False, False, False, False, None):
        assert breaker.permit(9) is None
        breaker.record(answered=answered)
    assert breaker.state == "closed"
    breaker.record(answered=False)
    assert breaker.permit(9) == Refusal(1.0)


def test_recovery() -> None:
    """After the pause one request tries; its answer closes."""
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.0
    assert breaker.permit(9) is None
    assert breaker.state == "half-open"
    breaker.record(answered=True)
    assert breaker.state == "closed"
    assert breaker.permit(9) is None


def test_a_failed_trial_doubles_the_pause() -> None:
    """Each failed trial doubles the pause, up to half a minute."""
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(7):
        refusal = breaker.permit(clock.now)
        assert refusal is not None
        pauses.append(refusal.seconds)
        clock.now += refusal.seconds
        assert breaker.permit(clock.now + 9) is None
        breaker.record(answered=False)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_trial_that_says_nothing() -> None:
    """A trial whose end says nothing of the server leaves the pause as it was."""
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.0
    assert breaker.permit(9) is None
    breaker.record(answered=None)
    assert breaker.permit(9) == Refusal(1.0)


def test_nobody_waits_for_a_trial_beyond_its_time() -> None:
    """A request whose time is over is refused while another one tries."""
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.0
    assert breaker.permit(9) is None
    assert breaker.permit(1.0) == Refusal(1.0)


def test_others_wait_for_the_trial() -> None:
    """While one request tries, the others wait, and go once it was answered."""
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.0
    assert breaker.permit(9) is None
    results: list[Refusal | None] = []
    waiting = threading.Thread(target=lambda: results.append(breaker.permit(5.0)))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    breaker.record(answered=True)
    waiting.join(5)
    assert results == [None]


def test_one_breaker_a_server() -> None:
    """Each server has its own; only so many are remembered."""
    breakers = Breakers()
    first = breakers.of("https://a")
    assert breakers.of("https://a") is first
    assert breakers.of("https://b") is not first
    for number in range(300):
        breakers.of(f"https://{number}")
    assert breakers.of("https://a") is not first
