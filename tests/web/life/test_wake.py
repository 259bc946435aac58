"""Being woken: quickly where the call is heard, by looking where it isn't."""

import threading
import time

import pytest

from unicare.core.errors import SettingsError
from unicare.web.life.wake import EmbeddedWake, HueyWake, open_wake


@pytest.fixture(params=["embedded", "sqlite"])
def wake(request, tmp_path):
    return open_wake("" if request.param == "embedded" else f"sqlite:///{tmp_path / 'deep' / 'wake.sqlite'}")


def test_a_call_is_heard_once_also_when_it_came_before(wake):
    wake.ring()
    assert wake.wait(5)
    assert not wake.wait(0.01)


def test_a_call_ends_the_waiting(wake):
    heard = []
    thread = threading.Thread(target=lambda: heard.append(wake.wait(20)))
    thread.start()
    time.sleep(0.05)
    wake.ring()
    thread.join(20)
    assert heard == [True]


def test_calls_that_nobody_hears_dont_pile_up(wake):
    for _ in range(300):
        wake.ring()
    calls = 0
    while wake.wait(0.001):
        calls += 1
    assert 1 <= calls <= 256


def test_two_processes_of_one_machine_share_the_queue(tmp_path):
    url = f"sqlite:///{tmp_path / 'wake.sqlite'}"
    open_wake(url).ring()
    assert open_wake(url).wait(5)


class Gone:
    """A queue whose server has gone."""

    def queue_size(self):
        raise ConnectionError

    def dequeue(self):
        raise ConnectionError


def test_a_queue_that_is_gone_wakes_nobody_and_breaks_nothing():
    wake = HueyWake(Gone())
    wake.ring()
    assert not wake.wait(0.01)


def test_a_url_of_another_kind_is_refused_without_being_shown():
    with pytest.raises(SettingsError, match="no such queue") as caught:
        open_wake("amqp://me:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_without_a_url_workers_are_threads_of_the_site():
    assert isinstance(open_wake(""), EmbeddedWake)
