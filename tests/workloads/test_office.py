"""LibreOffice opens a document in the drive, edits it and saves it: on the server that is one
PUT."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.programs import needs, run
from tests.workloads.desk import Desk

MACRO = """\
Sub Edit(url As String, copy As String)
    Dim none()
    document = StarDesktop.loadComponentFromURL(url, "_blank", 0, none())
    text = document.getText()
    text.insertString(text.getEnd(), " And more words.", False)
    document.store()
    text.insertString(text.getEnd(), " The last ones.", False)
    document.store()
    Dim how(0) As New com.sun.star.beans.PropertyValue
    how(0).Name = "FilterName"
    how(0).Value = "MS Word 2007 XML"
    document.storeToURL(copy, how())
    document.close(True)
End Sub
"""
LIBRARY = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false"
 library:passwordprotected="false"><library:element library:name="Module1"/></library:library>
"""
MODULE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic"
>{}</script:module>
"""


def words_of(path: Path, part: str) -> str:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.read(part).decode()


@pytest.mark.timeout(400)
def test_libreoffice_opens_edits_and_saves(desk: Desk, place: Path, tmp_path: Path) -> None:
    needs("soffice")
    office = [
        "soffice",
        f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
        "--headless",
        "--norestore",
    ]
    (place / "letter.txt").write_text("The first words.\n")
    run(*office, "--convert-to", "odt", "--outdir", place, place / "letter.txt", HOME=str(tmp_path))
    document, copy = place / "letter.odt", place / "letter.docx"
    assert "The first words." in words_of(document, "content.xml")
    desk.sync()
    mark = len(desk.requests.read_text().splitlines())
    basic = tmp_path / "profile" / "user" / "basic" / "Standard"
    basic.mkdir(parents=True, exist_ok=True)
    (basic / "script.xlb").write_text(LIBRARY)
    (basic / "Module1.xba").write_text(MODULE.format(escape(MACRO)))
    call = f'macro:///Standard.Module1.Edit("{document.as_uri()}","{copy.as_uri()}")'
    run(*office, call, HOME=str(tmp_path))
    assert "The first words. And more words. The last ones." in words_of(document, "content.xml")
    assert "The last ones." in words_of(copy, "word/document.xml")
    assert sorted(each.name for each in place.iterdir()) == [
        "letter.docx",
        "letter.odt",
        "letter.txt",
    ]
    desk.in_step()
    lines = [json.loads(line) for line in desk.requests.read_text().splitlines()[mark:]]
    changes = {"PUT", "POST", "MOVE", "DELETE", "COPY"}
    names = ("letter.odt", "letter.docx")
    asked = [line for line in lines if line["method"] in changes and line["path"].endswith(names)]
    # A document that is there keeps its place on the server, however it is saved; nothing beside it
    # is sent.
    assert {(line["method"], line["path"].rpartition("/")[2]) for line in asked} == {
        ("PUT", "letter.odt"),
        ("POST", "letter.docx"),
    }
    assert not [line for line in lines if line["method"] in {"MOVE", "DELETE"}]
    run(*office, "--convert-to", "pdf", "--outdir", place, copy, HOME=str(tmp_path))
    assert (place / "letter.pdf").read_bytes()[:5] == b"%PDF-"
