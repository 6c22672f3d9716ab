"""What must still hold just before an action is done, and where things are on the server now."""

from __future__ import annotations

from reconciler.errors import Stale
from reconciler.model import ROOT, UNPROVED, Action, Base, Kind, Local, NodeId, Place, Remote
from reconciler.phrases import Phrase
from reconciler.planner.guards import kept_below
from reconciler.ports import Replica
from reconciler.trees.remote_tree import RemoteTree
from reconciler.trees.tree_view import Trees


class Preconditions:
    """Of the actions of one plan. ``listed`` says that the remote tree comes from a listing. Each
    method whose name begins with ``expect`` raises Stale when the plan's assumption does not hold
    any more."""

    def __init__(self, replica: Replica, tree: RemoteTree, *, listed: bool) -> None:
        self._replica = replica
        self._tree = tree
        self._listed = listed

    def expect_local(self, action: Action) -> Local:
        """The local state is still the plan's, as far as the action depends on it."""
        local = self._replica.local(action.node)
        expected = action.local
        if local is None or expected is None:
            raise Stale(Phrase("it was deleted here meanwhile"))
        if (local.place, local.version, local.kind) != (
            expected.place,
            expected.version,
            expected.kind,
        ):
            raise Stale(Phrase("it was changed here meanwhile"))
        return local

    def remote_parent(self, place: Place) -> str:
        """The parent's path on the server now. Stale when the server does not have the parent
        (yet)."""
        if place.parent == ROOT:
            return ""
        parent = self._tree.get(place.parent)
        if parent is None or parent.kind is not Kind.FOLDER:
            raise Stale(Phrase("its folder is not on the server yet"))
        return self.path(place.parent)

    def expected_path(self, node: NodeId, expected: Remote) -> str:
        """Where the node is on the server. Stale when a move that comes before has not brought it
        there."""
        present = self._tree.get(node)
        if present is None or present.place != expected.place:
            raise Stale(Phrase("it is not in its place on the server yet"))
        return self.path(node)

    def path(self, node: NodeId) -> str:
        """Where the node is on the server now. Stale when that is not known without a listing: a
        folder above it may have gone from the base while the node itself was moved out, and the
        move was not agreed on yet."""
        try:
            return self._tree.path(node)
        except KeyError:
            raise Stale(Phrase("where it is on the server has to be seen first")) from None

    def remote_path(self, place: Place) -> str:
        """The path of a place on the server. Stale as ``remote_parent``."""
        parent = self.remote_parent(place)
        return f"{parent}/{place.name}" if parent else place.name

    def expect_proved(self, node: NodeId) -> None:
        """The server's file is known to have the content that the plan took it to have."""
        base = self._replica.base(node)
        unread = base is not None and base.inode == UNPROVED and not self._listed
        if unread or node in self._tree.unproved:
            raise Stale(
                Phrase("whether its content is another one on the server has to be seen first")
            )

    def expect_nothing_kept_below(self, action: Action) -> None:
        """Nothing lives below a folder that is about to go: an earlier move out of it may have
        failed."""
        kept = kept_below(Trees(self._replica, self._tree, ()), action.side, action.node)
        if kept is not None:
            raise Stale(Phrase("something in the folder has to stay"))

    def version(self, node: NodeId) -> int | None:
        """The local content's version now; None when the node is gone here."""
        local = self._replica.local(node)
        return None if local is None else local.version

    def agreed(self, node: NodeId, base: Base) -> None:
        """Both sides have this now: base and remote tree say so."""
        self._replica.set_base(node, base)
        self._tree.set(node, base.on_server())
