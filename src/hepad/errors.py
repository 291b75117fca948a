"""The one exception that means: the user's input was wrong."""


class UserError(ValueError):
    """Wrong input by the user: a file, a key, a value or a combination of them.

    The message is one line that says what is wrong, where, and what would be right. Every command prints it on
    stderr, without a traceback, and exits with code 2.
    """
