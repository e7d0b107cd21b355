"""SIGINT and SIGTERM: how a program ends, or finishes what it is at."""

import contextlib
import signal
import threading


class Interrupted(KeyboardInterrupt):
    """A signal ended the program: SIGTERM, or one that it stopped training for.

    Attributes:
        number: Of the signal; the exit status is 128 more, as a shell's.
    """

    def __init__(self, number, text="terminated"):
        super().__init__(text)
        self.number = number


def interrupt(number, frame=None):
    """Handler of a signal: raises, so that what has been begun is cleaned up."""
    raise Interrupted(number)


@contextlib.contextmanager
def signals_noted():
    """Yields a list that the first SIGINT or SIGTERM is put into; a second ends the program."""
    noted, before = [], {}

    def give_back():
        while before:
            signal.signal(*before.popitem())

    def note(number, frame):
        noted.append(number)
        give_back()

    try:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, note)
        yield noted
    finally:
        give_back()
