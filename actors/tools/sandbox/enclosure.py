"""Shuts a program in: run by its path inside fresh namespaces, as `unshare` makes them.

    unshare --user --map-root-user --net --ipc --uts --pid --mount --fork --kill-child \
        python -I -S enclosure.py SETTINGS PROGRAM ...

It makes a root of its own in which there is nothing but the system's libraries and the interpreter,
read-only, an empty folder for work whose size is bounded, and a few devices; then it gives up every
capability for good, sets resource limits, and becomes the program. SETTINGS is JSON: `visible`, folders
that are shown read-only, `work_bytes`, and `limits` by name.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys

_MS_RDONLY = 1
_MS_NOSUID = 2
_MS_NODEV = 4
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_NO_NEW_PRIVS = 38
_NOROOT_LOCKED = 0b00101111  # no capabilities come with the user id 0, now or later
_CAP_VERSION = 0x20080522
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NEW_ROOT = "/tmp"  # noqa: S108  # in a mount namespace of its own

_libc = ctypes.CDLL(None, use_errno=True)


def main(words: list[str]) -> None:
    """Shut this process in and become the program."""
    settings = json.loads(words[0])
    _change_root(settings["visible"], settings["work_bytes"])
    _give_up_capabilities()
    for name, most in settings["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (most, most))
    os.execv(words[1], words[1:])  # noqa: S606  # that no shell is involved is the point


def _change_root(visible: list[str], work_bytes: int) -> None:
    root = _NEW_ROOT
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    _mount("root", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    for folder in visible:
        _show(folder, root)
    for device in _DEVICES:
        target = f"{root}/dev/{device}"
        os.makedirs(f"{root}/dev", exist_ok=True)
        with open(target, "wb"):
            pass
        _mount(f"/dev/{device}", target, "", _MS_BIND)
    os.makedirs(f"{root}/proc")
    _mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV)
    with open(f"{root}/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # whoever could make another one would have capabilities in there
    closed = _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    _mount("proc", f"{root}/proc", "", closed)  # the real root could change the kernel's settings
    os.makedirs(f"{root}/work")
    _mount("work", f"{root}/work", "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={work_bytes},mode=755")
    os.makedirs(f"{root}/old")
    number = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
    _check(_libc.syscall(number, root.encode(), f"{root}/old".encode()), "pivot_root")
    os.chdir("/work")
    _check(_libc.umount2(b"/old", _MNT_DETACH), "umount2")
    os.rmdir("/old")
    _mount("root", "/", "", _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)


def _show(folder: str, root: str) -> None:
    """Show a folder of the host, read-only; a link is made again as a link."""
    target = root + folder
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(folder):
        os.symlink(os.readlink(folder), target)
        return
    os.makedirs(target, exist_ok=True)
    _mount(folder, target, "", _MS_BIND)
    flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    _mount(folder, target, "", flags)


def _give_up_capabilities() -> None:
    _check(_libc.prctl(_PR_SET_SECUREBITS, _NOROOT_LOCKED, 0, 0, 0), "securebits")
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "capbset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, nothing), "capset")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    done = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags),
        options.encode() or None,
    )  # fmt: skip
    _check(done, f"mount {target}")


def _check(done: int, what: str) -> None:
    if done < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


if __name__ == "__main__":
    main(sys.argv[1:])
