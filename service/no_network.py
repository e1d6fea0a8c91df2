"""Run a module without a network: `python -m service.no_network MODULE [ARGUMENT ...]`.

A worker that computes has nothing to say there. A filter in the kernel (seccomp(2), Linux) lets
`socket()` make local sockets only. It needs no rights, holds for every child and cannot be taken
off again. So a solver that is broken into, or simply wrong, cannot reach a PLC: only the engine's
process can (SVC-03). Nor does it take the processor from the engine in the middle of a judgement.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import runpy
import socket
import struct
import sys

from service.give_way import WORKER, give_way

_SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_LOAD, _IS_EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: ld word, jeq, jge, ret
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in struct seccomp_data
_X32_CALLS = 0x40000000  # on x86 every call has a second number from here on
_IO_URING = 425  # the same number everywhere; it can open sockets behind the filter's back


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def leave_the_network() -> bool:
    """Allow this process local sockets only; say whether this kernel and processor can.

    Raises OSError when the kernel could and refused.
    """
    machine = platform.machine()
    if machine not in _SOCKET_CALL:
        return False
    code = _filter(_SOCKET_CALL[machine], _ARCHITECTURE[machine])
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*words) != 0:
            number = ctypes.get_errno()
            if number == errno.EINVAL:  # a kernel without seccomp
                return False
            raise OSError(number, f"the network cannot be taken away: {os.strerror(number)}")
    return True


def _filter(call: int, architecture: int) -> bytes:
    """Return the program: sockets but local ones, and every way around this filter, are refused."""
    lines = [
        (_LOAD, 0, 0, _ARCH),
        (_IS_EQUAL, 0, 7, architecture),  # its numbers would mean other calls
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 5, 0, _X32_CALLS),
        (_IS_EQUAL, 4, 0, _IO_URING),
        (_IS_EQUAL, 1, 0, call),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IS_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def main() -> None:
    """Leave the network, give way to the engine, then become the module."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m service.no_network MODULE [ARGUMENT ...]")
    if not leave_the_network():
        sys.stderr.write("rheostat: this kernel cannot keep a worker from the network\n")
    give_way(WORKER)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
