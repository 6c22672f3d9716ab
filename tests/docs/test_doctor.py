"""The page of doctor's messages has all of them, each with what it is and what helps."""

from __future__ import annotations

import re

from syncin_mount.app.messages import health as messages
from syncin_mount.app.support.health import Check, Remedy, State
from tests.docs import doctor
from tests.docs.generate import DOCS

PAGE = (DOCS / "guide" / "doctor-messages.md").read_text()


def test_every_check_is_made_somewhere() -> None:
    assert {check for check, states in doctor.made().items() if not states} == set()
    assert doctor.made()[Check.DRIVE_CRASHED] == {State.WRONG: {Remedy.MOUNT}}
    assert set(doctor.made()[Check.SERVER_REFUSES]) == {State.NOTE, State.WRONG}


def test_every_remedy_is_on_the_page() -> None:
    used = {
        remedy
        for states in doctor.made().values()
        for remedies in states.values()
        for remedy in remedies
    }
    assert used == set(Remedy)


def test_every_message_is_on_the_page() -> None:
    for check in Check:
        assert doctor.message(check) in re.sub(r"\s+", " ", PAGE), check


def test_a_message_of_values_alone_is_explained() -> None:
    wordless = {check for check in Check if not doctor.has_words(check)}
    assert wordless - doctor.MORE.keys() == set()
    assert Check.COPY_WRONG in wordless
    assert Check.DEVICE_MISSING not in wordless


def test_what_stands_for_a_value_is_a_value() -> None:
    named = {name for check in messages._FOUND for name in doctor.placeholders(check)}
    assert doctor.SHOWN.keys() <= named
