"""Processes of this machine: whether one is still the same, and who is at the end of a connection.

Only what belongs to this user can be seen; everything else is "nobody knows".
"""

import sys

import psutil

# The kernel's time of a process's start follows corrections of the clock.
SAME_BIRTH_US = 5_000_000
LOOKS = 3
"""The kernel's table of connections changes while it is read: an entry may be passed over."""


def born_us(pid: int) -> int:
    """When a process was started, in UTC µs; 0 when there is none."""
    try:
        return int(psutil.Process(pid).create_time() * 1_000_000) if pid else 0
    except psutil.Error:
        return 0


def same_process(pid: int, since_us: int) -> bool:
    """Whether this process is the one that was started then, not a later one of its number.

    After a reboot a person's own shell may have it: nobody may take that for an agent.
    """
    found_us = born_us(pid)
    return found_us > 0 and abs(found_us - since_us) < SAME_BIRTH_US


def client_pid(port: int, our_port: int) -> int:
    """The process whose connection to our port comes from this one; 0 when it cannot be seen."""
    try:
        return _pid_by_table(port, our_port) if sys.platform == "linux" else _search(port, our_port)
    except (psutil.Error, OSError):
        return 0


def connects_to(pid: int, our_port: int) -> bool:
    """Whether a process has a connection to our port open."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return False
    return any(each.raddr and each.raddr.port == our_port for each in found)


def folder_of(pid: int) -> str:
    """The working folder of a process, "" when it cannot be seen."""
    try:
        return psutil.Process(pid).cwd() if pid else ""
    except (psutil.Error, OSError):
        return ""


def _pid_by_table(port: int, our_port: int) -> int:
    for _ in range(LOOKS):
        for each in psutil.net_connections("tcp"):
            ends = each.laddr and each.raddr and (each.laddr.port, each.raddr.port)
            if ends == (port, our_port) and each.pid:
                owner = _owner(int(each.pid), ends)
                if owner:
                    return owner
    return 0


def _owner(pid: int, ends: tuple[int, int]) -> int:
    """Who opened a connection that a process holds; 0 when that process is gone already.

    A child has all its parent's connections until it runs a program of its own (Claude Code starts
    one while it connects), and would be taken for the agent.
    """
    try:
        holder = psutil.Process(pid)
        while (parent := holder.parent()) and _holds(parent, ends):
            holder = parent
        return int(holder.pid) if _holds(holder, ends) else 0
    except psutil.Error:
        return 0


def _holds(process: psutil.Process, ends: tuple[int, int]) -> bool:
    """Whether a connection from one port to the other is open in a process that we may see."""
    try:
        found = process.net_connections("tcp")
    except psutil.AccessDenied:
        return False
    return any(each.raddr and (each.laddr.port, each.raddr.port) == ends for each in found)


def _search(port: int, our_port: int) -> int:
    """Where the system's table is root's alone (macOS): process by process."""
    for process in psutil.process_iter():
        try:
            if _holds(process, (port, our_port)):
                return process.pid
        except psutil.Error:
            continue
    return 0
