"""The icon and its menu as objects on the bus: what a panel asks, and what it is told by itself.

org.kde.StatusNotifierItem (https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/) and
com.canonical.dbusmenu (dbus-menu.xml of libdbusmenu). Whatever is asked gets an answer at once, and
nonsense an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from jeepney import DBusAddress, HeaderFields, new_error, new_method_return, new_signal

from syncin_mount.tray.icon import Panel, pixmaps
from syncin_mount.tray.layout import ROOT, Layout
from syncin_mount.tray.view import TITLE, Kind, Tooltip

if TYPE_CHECKING:
    from collections.abc import Callable

    from jeepney import Message

    from syncin_mount.tray.layout import Change
    from syncin_mount.tray.menu import Click, Item

ITEM, MENU = "/StatusNotifierItem", "/MenuBar"
ITEM_INTERFACE, MENU_INTERFACE = "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"

_PROPERTIES, _PEER = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Peer"
_INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
_ERROR = "org.freedesktop.DBus.Error"
_MOST_NUMBERS = 10_000
"""Items that one call may name."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the icon shows."""

    kind: Kind
    tooltip: Tooltip
    panel: Panel = Panel.ANY

    @property
    def status(self) -> str:
        return "NeedsAttention" if self.kind is Kind.NEEDS_YOU else "Active"


class _RefusedError(Exception):
    """The call is answered with this error."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = f"{_ERROR}.{name}"


class TrayItem:
    """Both objects. ``clicked`` is called for what is clicked, and must not wait."""

    def __init__(self, shown: Shown, clicked: Callable[[Click], None]) -> None:
        self._shown = shown
        self._layout = Layout()
        self._clicked = clicked

    def update(self, shown: Shown, menu: tuple[Item, ...]) -> list[Message]:
        """From now on it shows this. The signals that tell so, none where nothing changed."""
        before, self._shown = self._shown, shown
        change = self._layout.update(menu)
        signals = [
            _signal(ITEM, ITEM_INTERFACE, name)
            for name, is_new in (
                ("NewIcon", (before.kind, before.panel) != (shown.kind, shown.panel)),
                ("NewAttentionIcon", before.panel != shown.panel),
                ("NewToolTip", before.tooltip != shown.tooltip),
            )
            if is_new
        ]
        if before.status != shown.status:
            signals.append(_signal(ITEM, ITEM_INTERFACE, "NewStatus", "s", (shown.status,)))
        if change:
            signals.append(self._menu_signal(change))
        return signals

    def _menu_signal(self, change: Change) -> Message:
        if change.structure:
            body = (self._layout.revision, ROOT)
            return _signal(MENU, MENU_INTERFACE, "LayoutUpdated", "ui", body)
        updated = self._layout.group(change.items)
        return _signal(
            MENU, MENU_INTERFACE, "ItemsPropertiesUpdated", "a(ia{sv})a(ias)", (updated, [])
        )

    # calls ----------------------------------------------------------------------------------------
    def answer(self, call: Message) -> Message:
        """The answer to a call of anybody's."""
        try:
            path, member, gives = _called(call)
            body = self._answer(path, member, tuple(call.body)) if path else ()
        except _RefusedError as error:
            return new_error(call, error.name, "s", (str(error),))
        return new_method_return(call, gives, body)

    def _answer(self, path: str, member: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        match member:
            case "Introspect":
                return (_INTROSPECTION[path],)
            case "Get" | "GetAll" | "Set":
                return self._property(path, member, body)
            case "Activate" | "SecondaryActivate" | "ContextMenu" | "Scroll":
                return ()  # the menu is all there is: a panel opens it by itself
        return self._menu(member, body)

    def _property(self, path: str, member: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        if body[0] not in {_OWN[path], ""}:
            raise _RefusedError("UnknownInterface", "there is no such interface")
        if member == "Set":
            raise _RefusedError("PropertyReadOnly", "it cannot be changed")
        found = self._item_properties() if path == ITEM else _MENU_PROPERTIES
        if member == "GetAll":
            return (found,)
        if body[1] not in found:
            raise _RefusedError("UnknownProperty", "there is no such property")
        return (found[body[1]],)

    def _item_properties(self) -> dict[str, tuple[str, Any]]:
        shown = self._shown
        icon = list(pixmaps(shown.kind, shown.panel))
        attention = list(pixmaps(Kind.NEEDS_YOU, shown.panel))
        tooltip: tuple[object, ...] = ("", [], shown.tooltip.title, shown.tooltip.text)
        return {
            "Category": ("s", "ApplicationStatus"),
            "Id": ("s", "syncin-mount"),
            "Title": ("s", TITLE),
            "Status": ("s", shown.status),
            "WindowId": ("i", 0),
            "IconThemePath": ("s", ""),
            "IconName": ("s", ""),
            "IconPixmap": ("a(iiay)", icon),
            "OverlayIconName": ("s", ""),
            "OverlayIconPixmap": ("a(iiay)", []),
            "AttentionIconName": ("s", ""),
            "AttentionIconPixmap": ("a(iiay)", attention),
            "AttentionMovieName": ("s", ""),
            "ToolTip": ("(sa(iiay)ss)", tooltip),
            "ItemIsMenu": ("b", True),
            "Menu": ("o", MENU),
        }

    def _menu(self, member: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        layout = self._layout
        match member:
            case "GetLayout":
                parent, depth, names = body
                return layout.revision, layout.tree(self._known(parent), depth, frozenset(names))
            case "GetGroupProperties":
                numbers, names = body
                return (layout.group(_few(numbers), frozenset(names)),)
            case "GetProperty":
                found = layout.properties(self._known(body[0]))
                if body[1] not in found:
                    raise _RefusedError("InvalidArgs", "it has no such property")
                return (found[body[1]],)
            case "Event":
                self._event(body[0], body[1])
                return ()
            case "EventGroup":
                (events,) = body
                for number, kind, _, _ in _few(events):
                    self._event(number, kind)
                return ([number for number, *_ in events if not layout.has(number)],)
            case "AboutToShow":
                return (False,)  # what it shows was told already
            case _:
                return ([], [each for each in _few(body[0]) if not layout.has(each)])

    def _known(self, number: int) -> int:
        if not self._layout.has(number):
            raise _RefusedError("InvalidArgs", "there is no such item")
        return number

    def _event(self, number: int, kind: str) -> None:
        click = self._layout.click(number)
        if kind == "clicked" and click is not None:
            self._clicked(click)


def _few(items: list[Any]) -> list[Any]:
    if len(items) > _MOST_NUMBERS:
        raise _RefusedError("LimitsExceeded", "these are too many")
    return items


def _signal(
    path: str, interface: str, name: str, signature: str = "", body: tuple[Any, ...] = ()
) -> Message:
    return new_signal(DBusAddress(path, interface=interface), name, signature, body)


_MENU_PROPERTIES: dict[str, tuple[str, Any]] = {
    "Version": ("u", 3),
    "TextDirection": ("s", "ltr"),
    "Status": ("s", "normal"),
    "IconThemePath": ("as", []),
}


class _Method(NamedTuple):
    """Signatures of what a method takes and gives."""

    takes: str
    gives: str


_OWN = {ITEM: ITEM_INTERFACE, MENU: MENU_INTERFACE}

_ITEM_METHODS = {
    "Activate": _Method("ii", ""),
    "SecondaryActivate": _Method("ii", ""),
    "ContextMenu": _Method("ii", ""),
    "Scroll": _Method("is", ""),
}

_MENU_METHODS = {
    "GetLayout": _Method("iias", "u(ia{sv}av)"),
    "GetGroupProperties": _Method("aias", "a(ia{sv})"),
    "GetProperty": _Method("is", "v"),
    "Event": _Method("isvu", ""),
    "EventGroup": _Method("a(isvu)", "ai"),
    "AboutToShow": _Method("i", "b"),
    "AboutToShowGroup": _Method("ai", "aiai"),
}

_COMMON = {
    (_PROPERTIES, "Get"): _Method("ss", "v"),
    (_PROPERTIES, "GetAll"): _Method("s", "a{sv}"),
    (_PROPERTIES, "Set"): _Method("ssv", ""),
    (_INTROSPECTABLE, "Introspect"): _Method("", "s"),
}

_METHODS: dict[str, dict[tuple[str, str], _Method]] = {
    path: _COMMON | {(_OWN[path], name): method for name, method in methods.items()}
    for path, methods in ((ITEM, _ITEM_METHODS), (MENU, _MENU_METHODS))
}


def _called(call: Message) -> tuple[str, str, str]:
    """The object and method that are called, and the signature of the answer; no object for what
    any program answers. What is given is of the right types then. Raises _RefusedError."""
    fields = call.header.fields
    path, member = fields.get(HeaderFields.path), fields.get(HeaderFields.member)
    interface = fields.get(HeaderFields.interface)
    if (interface, member) == (_PEER, "Ping"):
        return "", "Ping", ""
    if path not in _METHODS:
        raise _RefusedError("UnknownObject", "there is no such object")
    method = _METHODS[path].get((interface, member))
    if method is None:
        raise _RefusedError("UnknownMethod", "there is no such method")
    if fields.get(HeaderFields.signature, "") != method.takes:
        raise _RefusedError("InvalidArgs", f"it takes '{method.takes}'")
    return path, member, method.gives


def _introspection(interface: str, methods: dict[str, _Method], more: str) -> str:
    def arguments(signature: str, direction: str) -> str:
        return "".join(
            f'<arg type="{each}" direction="{direction}"/>' for each in _complete_types(signature)
        )

    inside = "".join(
        f'<method name="{name}">{arguments(method.takes, "in")}{arguments(method.gives, "out")}'
        "</method>"
        for name, method in methods.items()
    )
    return f'<node><interface name="{interface}">{inside}{more}</interface></node>'


def _complete_types(signature: str) -> list[str]:
    """The types of a signature one by one."""
    found, depth, begun = [], 0, ""
    for letter in signature:
        begun += letter
        depth += (letter in "({") - (letter in ")}")
        if depth == 0 and letter != "a":
            found.append(begun)
            begun = ""
    return found


def _readable(kinds: dict[str, str]) -> str:
    return "".join(
        f'<property name="{name}" type="{kind}" access="read"/>' for name, kind in kinds.items()
    )


_INTROSPECTION = {
    ITEM: _introspection(
        ITEM_INTERFACE,
        _ITEM_METHODS,
        _readable(dict.fromkeys(("Category", "Id", "Title", "Status", "IconName"), "s"))
        + _readable(dict.fromkeys(("IconPixmap", "AttentionIconPixmap"), "a(iiay)"))
        + _readable({"ToolTip": "(sa(iiay)ss)", "ItemIsMenu": "b", "Menu": "o"})
        + '<signal name="NewIcon"/><signal name="NewAttentionIcon"/><signal name="NewToolTip"/>'
        '<signal name="NewStatus"><arg type="s"/></signal>',
    ),
    MENU: _introspection(
        MENU_INTERFACE,
        _MENU_METHODS,
        _readable({"Version": "u", "TextDirection": "s", "Status": "s", "IconThemePath": "as"})
        + '<signal name="LayoutUpdated"><arg type="u"/><arg type="i"/></signal>'
        '<signal name="ItemsPropertiesUpdated">'
        '<arg type="a(ia{sv})"/><arg type="a(ias)"/></signal>',
    ),
}
