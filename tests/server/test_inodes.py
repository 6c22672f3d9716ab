"""Inodes in answers: what can be none counts as not told."""

from __future__ import annotations

import pytest

from syncin_mount.remote.decoding import told_inode


@pytest.mark.parametrize(
    ("body", "inode"),
    [
        (b'{"ino": 3908326}', 3908326),
        (b'{"ino":2385625,"mtime":1700000077}', 2385625),
        (b'{"ino":9223372036854775807}', (1 << 63) - 1),
        (b'{"ino":9223372036854775808}', 0),
        (b'{"ino":18446744073709551615}', 0),
        (b'{"ino":0}', 0),
        (b'{"ino":-7}', 0),
        (b'{"ino":3.5}', 0),
        (b'{"ino":1e300}', 0),
        (b'{"ino":true}', 0),
        (b'{"ino":null}', 0),
        (b'{"ino":"3908326"}', 0),
        (b'{"ino":[3908326]}', 0),
        (b'{"ino":{"ino":5}}', 0),
        (b'{"INO":5}', 0),
        (b"{}", 0),
        (b"", 0),
        (b"null", 0),
        (b"5", 0),
        (b"[]", 0),
        (b'{"ino":5', 0),
        (b'{"ino":5}}', 0),
        (b'{"ino":"\\ud800"}', 0),
        (b"\xff\xfe", 0),
        (b"<html>", 0),
        (b'{"ino":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 0),
    ],
)
def test_only_what_can_be_an_inode_is_one(body: bytes, inode: int) -> None:
    assert told_inode(body) == inode
