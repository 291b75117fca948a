"""Errors that are the user's to mend, and how a job may end otherwise."""

import signal


class UserError(ValueError):
    """Wrong input by the user: a file, a key, a value or a combination of them.

    The message is one line that says what is wrong, where, and what would be right. Every command prints it on
    stderr, without a traceback, and exits with code 2.
    """


class JobError(Exception):
    """The job failed for a reason outside the program, such as a full disk.

    Commands print the message as one line and exit with code 1.
    """


class Interrupted(BaseException):
    """A signal asked the job to stop; like `KeyboardInterrupt` no `except Exception` holds it up.

    Args:
        number: of the signal.
        advice: how to go on, appended to the message.
    """

    def __init__(self, number: int, advice: str = "") -> None:
        self.reason = f"stopped by {signal.Signals(number).name}"
        super().__init__(self.reason + advice)
        self.number = number
        self.exit_code = 128 + number
