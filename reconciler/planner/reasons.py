"""Why the planner decides something, in words: whole sentences, as people read them.

What is decided by a setting says which: its value, as the setting has it. History and conflicts
keep these texts in English for a long time (`AS_KEPT` has those with a value in them, by which they
are known again), so a text that is changed leaves old ones untranslated.
"""

from __future__ import annotations

from reconciler.phrases import Phrase

# --- one side changed something -------------------------------------------------------------------

DELETED_ON_BOTH = Phrase("deleted on both sides")
NEW_HERE = Phrase("new here")
NEW_ON_SERVER = Phrase("new on the server")
DELETED_HERE = Phrase("deleted here, unchanged on the server")
DELETED_ON_SERVER = Phrase("deleted on the server, unchanged here")
EDITED_HERE = Phrase("edited here, unchanged on the server")
EDITED_ON_SERVER = Phrase("edited on the server, unchanged here")
EDITED_PERHAPS_BOTH = Phrase(
    "edited here, and perhaps on the server, which nobody can tell any more"
)
MOVED_HERE = Phrase("moved here")
MOVED_ON_SERVER = Phrase("moved on the server")
BACK_TO_ITS_NAME = Phrase("back to its name")
TIME_SET_HERE = Phrase("another time set here, the same content")
TIME_SET_ON_SERVER = Phrase("another time on the server, the same content")
STAYS_HERE = Phrase("deleted on the server, but something in it stays")
STAYS_ON_SERVER = Phrase("deleted here, but something in it stays")
NEVER_FETCHED = Phrase("deleted on the server before it was fetched")
MOVED_NOT_FETCHED = Phrase("moved on the server, and not fetched yet")
MAKES_ROOM = Phrase("makes room for a moment")
OUT_OF_THE_WAY = Phrase("a link or device here; the server has something of its name")
FOLDER_HAS_NAME = Phrase("a folder on the other side has its name")
FILE_HAS_NAME = Phrase("another file on the other side has its name")

# --- both sides did the same ----------------------------------------------------------------------

SAME = Phrase("the same on both sides")
SAME_TIME_SET = Phrase("the same time set on both sides")
CREATED_ALIKE = Phrase("created on both sides alike")
EDITED_ALIKE = Phrase("edited on both sides alike")
CREATED_ALIKE_LATER = Phrase("created on both sides alike, at another time")
EDITED_ALIKE_LATER = Phrase("edited on both sides alike, at another time")

# --- a setting decides ----------------------------------------------------------------------------


def not_on_other(rule: str) -> Phrase:
    """The side that follows has it alone: it goes."""
    return Phrase("not on the other side, and the other side decides ({rule})", rule=rule)


def only_on_other(rule: str) -> Phrase:
    """The side that decides has it alone: it comes."""
    return Phrase("only on the other side, and the other side decides ({rule})", rule=rule)


def elsewhere(rule: str) -> Phrase:
    """It goes to the place that the deciding side has for it."""
    return Phrase("elsewhere, and the other side decides ({rule})", rule=rule)


def other_time(rule: str) -> Phrase:
    """It gets the time that the deciding side has."""
    return Phrase("another time, and the other side decides ({rule})", rule=rule)


def other_content(rule: str) -> Phrase:
    """It gets the content that the deciding side has."""
    return Phrase("another content, and the other side decides ({rule})", rule=rule)


def moved_on_both(rule: str, *, local_wins: bool) -> Phrase:
    """To different places."""
    if local_wins:
        return Phrase("moved on both sides: the local place wins ({rule})", rule=rule)
    return Phrase("moved on both sides: the server's place wins ({rule})", rule=rule)


def moved_into_each_other(rule: str, *, local_wins: bool) -> Phrase:
    """Two folders would be in one another."""
    if local_wins:
        return Phrase(
            "both sides moved folders into each other: the local place wins ({rule})", rule=rule
        )
    return Phrase(
        "both sides moved folders into each other: the server's place wins ({rule})", rule=rule
    )


def changed_on_both(rule: str, *, created: bool, local_wins: bool) -> Phrase:
    """The contents differ."""
    if created:
        if local_wins:
            return Phrase("created on both sides: the local version wins ({rule})", rule=rule)
        return Phrase("created on both sides: the server's version wins ({rule})", rule=rule)
    if local_wins:
        return Phrase("edited on both sides: the local version wins ({rule})", rule=rule)
    return Phrase("edited on both sides: the server's version wins ({rule})", rule=rule)


def deleted_and_edited(rule: str, *, here: bool, edit_wins: bool) -> Phrase:
    """One side deleted what the other edited: ``here`` says that this computer has it still."""
    if here:
        if edit_wins:
            return Phrase("deleted on the server, edited here: the edit wins ({rule})", rule=rule)
        return Phrase("deleted on the server, edited here: the deletion wins ({rule})", rule=rule)
    if edit_wins:
        return Phrase("deleted here, edited on the server: the edit wins ({rule})", rule=rule)
    return Phrase("deleted here, edited on the server: the deletion wins ({rule})", rule=rule)


def deleted_and_moved(rule: str, *, here: bool, move_wins: bool) -> Phrase:
    """One side deleted what the other moved."""
    if here:
        if move_wins:
            return Phrase("deleted on the server, moved here: the move wins ({rule})", rule=rule)
        return Phrase("deleted on the server, moved here: the deletion wins ({rule})", rule=rule)
    if move_wins:
        return Phrase("deleted here, moved on the server: the move wins ({rule})", rule=rule)
    return Phrase("deleted here, moved on the server: the deletion wins ({rule})", rule=rule)


def _as_kept() -> tuple[str, ...]:
    either = (True, False)
    made = [
        *(each("") for each in (not_on_other, only_on_other, elsewhere, other_time, other_content)),
        *(moved_on_both("", local_wins=one) for one in either),
        *(moved_into_each_other("", local_wins=one) for one in either),
        *(changed_on_both("", created=one, local_wins=two) for one in either for two in either),
        *(deleted_and_edited("", here=one, edit_wins=two) for one in either for two in either),
        *(deleted_and_moved("", here=one, move_wins=two) for one in either for two in either),
    ]
    return tuple(each.template for each in made)


AS_KEPT = _as_kept()
"""The templates with a value in them."""

# --- something waits ------------------------------------------------------------------------------

HELD = Phrase("You hold it, or a folder that it is in.")
CANNOT_BE_EMPTIED = Phrase(
    "It holds something that waits or that a filter leaves out, so it cannot be deleted yet."
)
PLACE_TAKEN = Phrase("Its place is still taken by something that waits.")
ONLY_FOLLOWED = Phrase("It would have to be changed on the server, which is only followed.")
CIRCLE = Phrase("It and its folders wait for each other.")
FOLDER_UNKNOWN = Phrase("Nothing is known of its folder.")
FOLDER_WAITS = Phrase("Its folder waits.")
NOT_PLANNED = Phrase("It is not planned for.")
FOLDER_GONE = Phrase("Its folder is on neither side.")


def untold(why: str) -> Phrase:
    """``why``: what the server said instead."""
    return Phrase("The server could not tell its state: {why}", why=why)


def being_written(name: str) -> Phrase:
    """A file called ``name``."""
    return Phrase("“{name}” is being written.", name=name)
