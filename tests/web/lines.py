"""Answers that go on."""

from __future__ import annotations

import json
from typing import Any

from tests.web.conftest import Answer


def lines(answer: Answer) -> list[Any]:
    """Those of an answer that goes on; whatever chunks they came in."""
    return [json.loads(line) for line in answer.body.split(b"\r\n") if line.startswith(b"{")]
