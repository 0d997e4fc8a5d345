"""Files that are whole or not there, and still there after a power cut. The standard library only: pipe.py pays for it."""

import os
from _collections_abc import Iterable  # loaded at every start; collections.abc loads all of collections

FILE_MODE = 0o640


def open_plain(path: str) -> int:
    """Open for reading without following a link or waiting on a FIFO that somebody of the group has put there."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def read_all(fd: int) -> bytes:
    parts = []
    while part := os.read(fd, 1024 * 1024):
        parts.append(part)
    return b"".join(parts)


def write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def replace(path: str, data: bytes, beside: str, mode: int = FILE_MODE) -> None:
    """Write a file whole or not at all, durably: by way of `beside`, a name not in use on the same file system."""
    place(path, (data,), beside, mode)
    sync_dir(os.path.dirname(path))


def place(path: str, data: Iterable[bytes], beside: str, mode: int = FILE_MODE) -> None:
    """The same, from parts, but for the folder's fsync, which the caller owes."""
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        try:
            os.fchmod(fd, mode)
            for part in data:
                write_all(fd, part)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(beside, path)
    except BaseException:
        unlink(beside)
        raise


def sync_file(path: str) -> None:
    """What another program, or SQLite, has written into this file is on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_dir(path: str) -> None:
    """What was renamed, made or removed in this folder stays so."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
