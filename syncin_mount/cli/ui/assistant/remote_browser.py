"""Looking through the server's folders in a terminal, until one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import RemoteError
from syncin_mount.app.accounts.remote_folders import find_folder, list_items, make_remote_folder
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import output
from syncin_mount.cli.ui.assistant.remote_choice import (
    HELP,
    Answer,
    Level,
    note,
    understood,
    unsuited,
)
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.remote.browse import RemoteItem


class Browser:
    """``user`` says which synchronization of this computer is in the way of a path. ``made`` are
    the folders that were made."""

    def __init__(
        self, folders: Folders, server: Server, user: Callable[[str], Synchronization | None]
    ) -> None:
        self._folders = folders
        self._server = server
        self._user = user
        self._at: RemoteItem | None = None
        self._level = Level(())
        self.made: list[str] = []

    def choose(self) -> RemoteItem:
        """Asks until a folder is chosen that can be synchronized. Raises click.Abort; CommandError
        and RemoteError when not even the first level can be shown."""
        self._go("")
        output.say_lines(t(HELP))
        while True:
            self._show()
            answer = understood(output.ask(t("Folder"), default="", show_default=False))
            try:
                if self._follow(answer):
                    assert self._at is not None
                    return self._at
            except (CommandError, NotPossible, RemoteError) as error:
                output.warn(sentence(error))

    def given(self, path: str) -> RemoteItem:
        """The folder that was given by its path. Raises CommandError when it cannot be
        synchronized, NotPossible, RemoteError."""
        self._go(path)
        self._is_chosen()
        assert self._at is not None
        return self._at

    def _show(self) -> None:
        where = self._at.path if self._at is not None else ""
        output.say()
        output.say(f"{output.printable(where) or self._server.url}/")
        for line in self._level.lines(lambda item: note(item, self._user), output.printable):
            output.say(line)

    def _follow(self, answer: Answer) -> bool:
        """Does what the answer says; True when the folder that is open now is chosen."""
        at = self._at.path if self._at is not None else ""
        if answer.here:
            return self._is_chosen()
        if answer.up:
            self._go(at.rpartition("/")[0])
        elif answer.path is not None:
            self._go(answer.path)
        elif answer.make is not None:
            self._make(at, answer.make)
        elif answer.number is not None:
            found = self._level.found
            if not 0 <= answer.number < len(found):
                raise CommandError(t("there is no number {value} here", value=answer.number + 1))
            self._open(found[answer.number])
        elif answer.more:
            self._level = self._level.next_page()
        else:
            self._level = Level(self._level.items, answer.only or "")
        return False

    def _is_chosen(self) -> bool:
        if self._at is None:
            raise CommandError(t("open a folder first: what is chosen is what is open"))
        why = unsuited(self._at, self._user)
        if why is not None:
            raise CommandError(f"{output.printable(self._at.path)}: {why}")
        return True

    def _open(self, item: RemoteItem) -> None:
        if not item.enabled:
            raise CommandError(
                t(
                    "{path} is disabled on the server; its managers can enable it",
                    path=output.printable(item.path),
                )
            )
        self._level = Level(
            tuple(output.run_async(list_items, self._folders, self._server, item.path))
        )
        self._at = item

    def _go(self, path: str) -> None:
        if not path:
            self._level = Level(
                tuple(output.run_async(list_items, self._folders, self._server, ""))
            )
            self._at = None
            return
        self._open(output.run_async(find_folder, self._folders, self._server, path))

    def _make(self, at: str, name: str) -> None:
        if not name or "/" in name:
            raise CommandError(t("say how the folder is to be called: + NAME"))
        path = f"{at}/{name}" if at else name
        output.run_async(make_remote_folder, self._folders, self._server, path)
        self.made.append(path)
        self._go(path)
