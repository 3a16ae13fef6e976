"""Secrets come from the terminal without being shown, or one a line from a pipe; never as words
of the command, which other accounts and the shell's history see."""

import sys
from getpass import getpass


def asked(prompt: str) -> str:
    """One secret, without the end of its line."""
    if sys.stdin.isatty():
        return getpass(prompt)
    return sys.stdin.readline().rstrip("\n")
