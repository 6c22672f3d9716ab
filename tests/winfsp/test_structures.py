"""WinFsp's structures are as long as its headers assert, and their parts stand where they do."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from syncin_winfsp.values import structures
from syncin_winfsp.values.attributes import FileInfo
from syncin_winfsp.values.volume import Volume

INFO = FileInfo(
    attributes=0x21,
    allocation_size=4096,
    file_size=5,
    created=11,
    accessed=12,
    written=13,
    changed=14,
    index=99,
)


def test_the_lengths_are_those_of_the_headers() -> None:
    assert len(structures.file_info(INFO)) == 72
    assert len(structures.volume_info(Volume(1, 2, "docs"))) == 88
    assert len(structures.entry("", INFO)) == 104
    assert len(structures.response(5, 1, 0, 0, INFO)) == 128
    assert structures.notices([(1, 2, "\\")])[0][:2] == b"\x0e\0"


def test_where_the_parts_are() -> None:
    info = structures.file_info(INFO)
    assert struct.unpack_from("<II7Q", info) == (0x21, 0, 4096, 5, 11, 12, 13, 14, 99)
    entry = structures.entry("ab", INFO)
    assert struct.unpack_from("<H", entry) == (108,)
    assert (entry[8:80], entry[104:]) == (info, b"a\0b\0")
    answer = structures.response(6, 77, 0xC0000011, 5, INFO)
    assert struct.unpack_from("<HHIQII", answer) == (0, 128, 6, 77, 5, 0xC0000011)
    assert answer[24:96] == info
    volume = structures.volume_info(Volume(1, 2, "ab"))
    assert struct.unpack_from("<QQH", volume) == (1, 2, 4)
    assert volume[18:22] == b"a\0b\0"


@given(
    st.lists(
        st.tuples(
            st.integers(1, 31),
            st.integers(1, 5),
            st.text(st.characters(codec="utf-16"), min_size=1, max_size=1000),
        ),
        max_size=60,
    )
)
def test_notices_come_in_batches_that_one_call_takes(changes: list[tuple[int, int, str]]) -> None:
    found = []
    for batch in structures.notices(changes):
        assert 0 < len(batch) <= structures.MAX_NOTIFY_BYTES
        assert len(batch) % 8 == 0
        at = 0
        while at < len(batch):
            size, kind, action = struct.unpack_from("<H2xII", batch, at)
            found.append((kind, action, batch[at + 12 : at + size].decode("utf-16-le")))
            at += -(-size // 8) * 8
    assert found == changes
