"""A model of an NTFS volume in memory, as programs see it through WinFsp: a tree of plain objects,
where files are found without regard to case. It shares nothing with the frontend, and with the
kernel of tests only the numbers.

Where WinFsp differs from NTFS, the model is as WinFsp: see docs/internals/windows.md.
"""

from __future__ import annotations

from tests.winfsp import kernel as k
from tests.winfsp.kernel import Refused

_KEPT = k.READONLY | k.HIDDEN | k.SYSTEM | k.ARCHIVE
_SHARED = k.READ | k.WRITE | k.APPEND | k.EXECUTE | k.DELETE


class Thing:
    """A file or a folder."""

    def __init__(self, name: str, above: Thing | None, *, is_folder: bool) -> None:
        self.name = name
        self.above = above
        self.is_folder = is_folder
        self.data = bytearray()
        self.attributes = 0
        self.things: dict[str, Thing] = {}
        self.open: list[Opened] = []
        self.doomed = False

    def shown_attributes(self) -> int:
        if self.is_folder:
            return self.attributes | k.DIRECTORY
        return self.attributes or k.NORMAL

    def is_within(self, other: Thing) -> bool:
        at: Thing | None = self
        while at is not None:
            if at is other:
                return True
            at = at.above
        return False

    def path(self) -> str:
        above = self.above
        return "" if above is None else f"{above.path()}\\{self.name}"

    def something_is_open_below(self) -> bool:
        return any(each.open or each.something_is_open_below() for each in self.things.values())


class Model:
    def __init__(self) -> None:
        self.top = Thing("", None, is_folder=True)

    # Paths ----------------------------------------------------------------------------------------

    def _parent(self, path: str, *, creating: bool) -> tuple[Thing, str]:
        *folders, name = path.split("\\")[1:]
        at = self.top
        for number, each in enumerate(folders):
            if not at.is_folder:
                raise Refused(k.PATH_NOT_FOUND)
            found = at.things.get(each.upper())
            if found is None:
                raise Refused(k.PATH_NOT_FOUND)
            at = found
            if not at.is_folder and number + 1 < len(folders):
                raise Refused(k.PATH_NOT_FOUND)
        if not at.is_folder:
            raise Refused(k.NOT_A_DIRECTORY if creating else k.PATH_NOT_FOUND)
        return at, name

    def find(self, path: str) -> Thing:
        if path == "\\":
            return self.top
        above, name = self._parent(path, creating=False)
        found = above.things.get(name.upper())
        if found is None:
            raise Refused(k.NOT_FOUND)
        return found

    def tree(self) -> dict[str, bytes | None]:
        found: dict[str, bytes | None] = {}

        def walk(folder: Thing) -> None:
            for each in folder.things.values():
                found[each.path()] = None if each.is_folder else bytes(each.data)
                walk(each)

        walk(self.top)
        return found

    # Opening --------------------------------------------------------------------------------------

    def create_file(
        self, path: str, disposition: str, access: int, share: int, options: int, attributes: int
    ) -> Opened:
        attributes &= _KEPT
        if disposition == k.CREATE:
            _check_new(options, attributes)
        try:
            thing = self.find(path)
        except Refused as refused:
            if refused.status != k.NOT_FOUND or disposition in {k.OPEN, k.OVERWRITE}:
                if disposition == k.CREATE and refused.status == k.PATH_NOT_FOUND:
                    self._parent(path, creating=True)
                raise
            return self._create(path, access, share, options, attributes)
        if disposition == k.CREATE:
            in_the_way = options & k.NON_DIRECTORY_FILE and thing.is_folder
            raise Refused(k.IS_A_DIRECTORY if in_the_way else k.COLLISION)
        return self._open(thing, disposition, access, share, options, attributes)

    def _create(self, path: str, access: int, share: int, options: int, attributes: int) -> Opened:
        _check_new(options, attributes)
        above, name = self._parent(path, creating=True)
        thing = Thing(name, above, is_folder=bool(options & k.DIRECTORY_FILE))
        thing.attributes = attributes if thing.is_folder else attributes | k.ARCHIVE
        above.things[name.upper()] = thing
        return Opened(self, thing, access, share, options)

    def _open(
        self,
        thing: Thing,
        disposition: str,
        access: int,
        share: int,
        options: int,
        attributes: int,
    ) -> Opened:
        if options & k.DIRECTORY_FILE and not thing.is_folder:
            raise Refused(k.NOT_A_DIRECTORY)
        if options & k.NON_DIRECTORY_FILE and thing.is_folder:
            raise Refused(k.IS_A_DIRECTORY)
        writes = access & (k.WRITE | k.APPEND) or disposition in {k.OVERWRITE, k.OVERWRITE_IF}
        if thing.attributes & k.READONLY:
            if writes and not thing.is_folder:
                raise Refused(k.ACCESS_DENIED)
            if options & k.DELETE_ON_CLOSE:
                raise Refused(k.CANNOT_DELETE)
        if thing.doomed:
            raise Refused(k.DELETE_PENDING)
        for other in thing.open:
            if (
                access & _SHARED
                and other.access & _SHARED
                and (not _lets(other.share, access) or not _lets(share, other.access))
            ):
                raise Refused(k.SHARING_VIOLATION)
        if disposition in {k.OVERWRITE, k.OVERWRITE_IF, k.SUPERSEDE}:
            if thing.attributes & (k.HIDDEN | k.SYSTEM) & ~attributes:
                raise Refused(k.ACCESS_DENIED)
            thing.data.clear()
            before = 0 if disposition == k.SUPERSEDE else thing.attributes
            thing.attributes = before | attributes | k.ARCHIVE
        opened = Opened(self, thing, access, share, options)
        opened.modified = disposition in {k.OVERWRITE, k.OVERWRITE_IF, k.SUPERSEDE}
        return opened


def _check_new(options: int, attributes: int) -> None:
    if attributes & k.READONLY and options & k.DELETE_ON_CLOSE:
        raise Refused(k.CANNOT_DELETE)


def _lets(share: int, access: int) -> bool:
    needed = {
        k.READ | k.EXECUTE: k.SHARE_READ,
        k.WRITE | k.APPEND: k.SHARE_WRITE,
        k.DELETE: k.SHARE_DELETE,
    }
    return all(share & right for wanted, right in needed.items() if access & wanted)


class Opened:
    """A handle, with the calls of `tests.winfsp.kernel.Handle`."""

    def __init__(self, model: Model, thing: Thing, access: int, share: int, options: int) -> None:
        self._model = model
        self.thing = thing
        self.access = access
        self.share = share
        self.delete_on_close = bool(options & k.DELETE_ON_CLOSE)
        self.modified = False
        self._set_attributes = False
        thing.open.append(self)

    def _file(self) -> bytearray:
        if self.thing.is_folder:
            raise Refused(k.INVALID_DEVICE_REQUEST)
        return self.thing.data

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._file()[offset : offset + length])

    def write(self, offset: int, data: bytes) -> int:
        content = self._file()
        if data:
            if len(content) < offset:
                content.extend(bytes(offset - len(content)))
            content[offset : offset + len(data)] = data
        self.modified = True
        return len(data)

    def append(self, data: bytes) -> int:
        return self.write(len(self._file()), data)

    def write_mapped(self, offset: int, data: bytes) -> int:
        content = self._file()
        data = data[: max(len(content) - offset, 0)]
        content[offset : offset + len(data)] = data
        return len(data)

    def set_end(self, size: int) -> None:
        content = self._file()
        if size <= len(content):
            del content[size:]
        else:
            content.extend(bytes(size - len(content)))
        self.modified = True

    def set_allocation(self, size: int) -> None:
        if size < len(self.thing.data):
            self.set_end(size)
        self.modified = True

    def attributes_and_size(self) -> tuple[int, int]:
        return self.thing.shown_attributes(), len(self.thing.data)

    def set_attributes(self, attributes: int) -> None:
        if attributes:
            self.thing.attributes = attributes & _KEPT
            self._set_attributes = True

    def set_delete(self, delete: bool) -> None:
        thing = self.thing
        if delete:
            if thing.attributes & k.READONLY and not thing.is_folder:
                raise Refused(k.CANNOT_DELETE)
            if thing.things:
                raise Refused(k.NOT_EMPTY)
        thing.doomed = delete

    def rename(self, new: str, *, replace: bool) -> None:
        thing = self.thing
        above, name = self._new_place(new)
        target = above.things.get(name.upper())
        if target is not None and target is not thing and target.open:
            raise Refused(k.ACCESS_DENIED)
        if thing.something_is_open_below():
            raise Refused(k.ACCESS_DENIED)
        if target is not None and target is not thing:
            if replace and target.attributes & k.READONLY:
                raise Refused(k.CANNOT_DELETE)
            if not replace:
                raise Refused(k.COLLISION)
            if target.is_folder or thing.is_folder:
                raise Refused(k.ACCESS_DENIED)
        if above.is_within(thing):
            raise Refused(k.INVALID_PARAMETER)
        assert thing.above is not None
        del thing.above.things[thing.name.upper()]
        thing.name, thing.above = name, above
        above.things[name.upper()] = thing

    def _new_place(self, new: str) -> tuple[Thing, str]:
        return self._model._parent(new, creating=True)

    def names(self) -> list[str]:
        if not self.thing.is_folder:
            raise Refused(k.NOT_A_DIRECTORY)
        return [each.name for _, each in sorted(self.thing.things.items())]

    def query(self, name: str) -> str | None:
        found = self.thing.things.get(name.upper())
        return None if found is None else found.name

    def cleanup(self) -> None:
        thing = self.thing
        thing.open.remove(self)
        if self.delete_on_close:
            thing.doomed = True
        if thing.doomed and not thing.open:
            if not thing.things:
                assert thing.above is not None
                del thing.above.things[thing.name.upper()]
            thing.doomed = False
        elif self.modified and not self._set_attributes and not thing.is_folder:
            thing.attributes |= k.ARCHIVE
