"""Names of extended attributes, and who sees them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    "name", [b"name", b"other.name", b"system.posix_acl_access", b"User.name", b"user"]
)
async def test_names_in_no_namespace_are_not_supported(world, name):
    ino = await world.create(b"file")
    acts: list[Callable[[], object]] = [
        lambda: world.fs.xattrs.set(ino, name, b"1"),
        lambda: world.fs.xattrs.get(ino, name),
        lambda: world.fs.xattrs.remove(ino, name),
    ]
    for act in acts:
        with pytest.raises(OSError, match=os.strerror(errno.EOPNOTSUPP)):
            act()
    assert world.fs.xattrs.names(ino) == []


@pytest.mark.parametrize("name", [b"user.", b"trusted.", b"security."])
async def test_a_namespace_needs_a_name(world, name):
    ino = await world.create(b"file")
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        world.fs.xattrs.set(ino, name, b"1")


async def test_trusted_attributes_are_listed_for_the_privileged_alone(world):
    ino = await world.create(b"file")
    names = [b"security.x", b"trusted.x", b"user.x"]
    for name in names:
        world.fs.xattrs.set(ino, name, b"1")
    assert sorted(world.fs.xattrs.names(ino, privileged=True)) == names
    assert sorted(world.fs.xattrs.names(ino, privileged=False)) == [b"security.x", b"user.x"]


async def test_no_more_names_than_linux_can_list(world):
    """A list of more than 64 KiB is E2BIG for whoever asks, see listxattr(2)."""
    ino = await world.create(b"file")
    names = [b"user.%0250d" % number for number in range(256)]
    for name in names[:255]:
        world.fs.xattrs.set(ino, name, b"1")
    world.fs.xattrs.set(ino, b"user." + b"n" * 249, b"1")
    assert sum(map(len, names[:255])) + 254 + 256 == 65_535
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        world.fs.xattrs.set(ino, b"user.n", b"1")
    world.fs.xattrs.set(ino, names[7], b"another value")
    world.fs.xattrs.remove(ino, names[8])
    world.fs.xattrs.set(ino, names[255], b"1")
    assert len(world.fs.xattrs.names(ino)) == 256
