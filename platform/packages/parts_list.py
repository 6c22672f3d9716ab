"""The list of parts of a release (SBOM), in CycloneDX's JSON: every Python package that the program
installs, with its version and licence, as importlib.metadata knows them, and every package of
Debian that the archive with its own Python carries."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import tarfile
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archives import PACKAGES_OF_DEBIAN
from packaging.requirements import Requirement

PROGRAM = "syncin-mount"
EXTRAS = ("demo",)
"""What the package for Debian has, too."""


def parts_list(version: str, seconds: int, carried: Iterable[tuple[str, str]] = ()) -> str:
    """Return the document. ``seconds`` since 1970 is the commit's time: the same commit with the
    same pinned packages makes the same document. ``carried``: what `carried_by` tells of the
    archive. Raises PackageNotFoundError for a package that is not installed."""
    parts: dict[str, dict[str, Any]] = {}
    needs: dict[str, list[str]] = {}
    wanted: list[tuple[str, tuple[str, ...]]] = [(PROGRAM, EXTRAS)]
    done: set[tuple[str, tuple[str, ...]]] = set()
    while wanted:
        name, extras = wanted.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        found = importlib.metadata.distribution(name)
        below = _needed(found, extras)
        parts[name] = _component(name, version if name == PROGRAM else found.version, found)
        needs[name] = sorted({*needs.get(name, []), *(each for each, _ in below)})
        wanted += below
    program = {**parts.pop(PROGRAM), "type": "application"}
    refs = {name: str(each["bom-ref"]) for name, each in parts.items()}
    refs[PROGRAM] = str(program["bom-ref"])
    of_system = [_of_system(name, found) for name, found in sorted(carried)]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"{PROGRAM} {version} {seconds}")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": program,
        },
        "components": [*(parts[name] for name in sorted(parts)), *of_system],
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[each] for each in needs[name]]}
            for name in sorted(refs)
        ]
        + [{"ref": each["bom-ref"], "dependsOn": []} for each in of_system],
    }
    return json.dumps(document, indent=2) + "\n"


def carried_by(archive: Path) -> list[tuple[str, str]]:
    """Return name and version of each package of Debian that is in the archive with its own
    Python. Raises KeyError for an archive of something else."""
    with tarfile.open(archive) as packed:
        name = next(iter(packed.getnames()))
        file = packed.extractfile(f"{name}/licences/{PACKAGES_OF_DEBIAN}")
        assert file is not None  # else it is no regular file
        lines = file.read().decode().splitlines()
    return [(name, version) for name, _, version in (line.partition(" ") for line in lines)]


def _of_system(name: str, version: str) -> dict[str, Any]:
    vendor = platform.freedesktop_os_release()["ID"]
    purl = f"pkg:deb/{vendor}/{quote(name)}@{quote(version, safe='~')}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": [{"name": f"{PROGRAM}:in", "value": "the archive with its own Python"}],
    }


def _needed(
    found: importlib.metadata.Distribution, extras: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """What it requires on Linux with this Python, each with the extras that are wanted of it."""
    below = []
    for requirement in map(Requirement, found.requires or []):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras)):
            below.append((_normal(requirement.name), tuple(sorted(requirement.extras))))
    return below


def _component(name: str, version: str, found: importlib.metadata.Distribution) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    summary = _said(found, "Summary")
    if summary and summary != "UNKNOWN":
        component["description"] = summary
    licences = _licences(found)
    if licences:
        component["licenses"] = licences
    return component


def _licences(found: importlib.metadata.Distribution) -> list[dict[str, Any]]:
    """An expression where the package has one, else its classifiers' or its own words."""
    expression = _said(found, "License-Expression")
    if expression:
        return [{"expression": expression}]
    classifiers = found.metadata.get_all("Classifier") or []
    names = [
        each.rpartition(" :: ")[2]
        for each in classifiers
        if each.startswith("License :: ") and each != "License :: OSI Approved"
    ]
    told = _said(found, "License").strip().splitlines()
    if not names and told:
        names = [told[0][:100]]
    return [{"license": {"name": name}} for name in names]


def _said(found: importlib.metadata.Distribution, field: str) -> str:
    return next(iter(found.metadata.get_all(field) or []), "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def faults(text: str) -> str | None:
    """Return what CycloneDX's own schema finds wrong with the document; None when it is right."""
    from cyclonedx.schema import OutputFormat, SchemaVersion  # noqa: PLC0415 (only a release has it)
    from cyclonedx.validation import make_schemabased_validator  # noqa: PLC0415

    validator = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6)
    found = validator.validate_str(text)
    return None if found is None else str(found)
