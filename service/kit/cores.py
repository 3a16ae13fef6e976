"""A process that opens people's data leaves no picture of its memory behind when it crashes.

A core would hold keys and whatever was being shown. Python cannot wipe what it has freed, so the
only sound way is to write no core, and to be no target for a debugger of the same account.
"""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid() -> None:
    """No core file from here on, for children too; on Linux no attaching by other accounts either.

    The limit of zero bytes does not stop a kernel whose core pattern is a pipe; being not dumpable
    does.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
