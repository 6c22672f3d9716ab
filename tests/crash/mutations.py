"""``python -m tests.crash.mutations``: deliberate faults in store and executor, and how the kill
test shows each. Words given choose the faults whose description has them.

Each fault is one replaced text in a copy of the sources; that the text is still there is checked
before anything runs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.mutated_sources import Mutation, committed_sources, mutated, out_of_place

KILLS = 40

MUTATIONS = (
    Mutation(
        "events are not written to the journal",
        "syncin_mount/store/durability/event_writer.py",
        "            self._journal.append(sequence, payload, grows=grows)\n",
        "",
    ),
    Mutation(
        "an event is written to the journal with the next one",
        "syncin_mount/store/durability/event_writer.py",
        "            self._journal.append(sequence, payload, grows=grows)\n",
        "            for late in vars(self).pop('_late', ()):\n"
        "                self._journal.append(*late)\n"
        "            vars(self)['_late'] = [(sequence, payload)]\n",
    ),
    Mutation(
        "the commit says to have one event more than it has",
        "syncin_mount/store/index/index.py",
        'self.txn.put(b"applied", key(self.applied), db=self.meta)',
        'self.txn.put(b"applied", key(self.applied + 1), db=self.meta)',
        ("append/after", "written/after", "commit/after"),
    ),
    Mutation(
        "the journal begins anew before the index has its events",
        "syncin_mount/store/durability/open_recovery.py",
        "        self._writer.commit_index()\n"
        "        self._reserve.lend(lambda: self._journal.renew(ix.applied + 1))\n",
        "        self._reserve.lend(lambda: self._journal.renew(ix.applied + 1))\n"
        "        self._writer.commit_index()\n",
        ("segments_renewed/after",),
    ),
    Mutation(
        "a content that came to its place without its event stays",
        "syncin_mount/store/durability/open_recovery.py",
        "        self._keep_strays(self._objects.strays(ix.applied + 1))\n",
        "",
        ("swap/after",),
    ),
    Mutation(
        "effects count as done before they are",
        "syncin_mount/store/durability/committer.py",
        "self._reserve.lend(functools.partial(self._objects.do, sequence, effect))\n",
        "pass\n",
    ),
    Mutation(
        "an object is removed before the event that makes it superfluous",
        "syncin_mount/store/replica/contents.py",
        "        self._objects.take(incoming, number)\n",
        "        os.path.exists(self._objects.path(record.owner, record.number)) and os.unlink(\n"
        "            self._objects.path(record.owner, record.number))\n"
        "        self._objects.take(incoming, number)\n",
        ("swap/before", "swap/after"),
    ),
    Mutation(
        "a torn record is an error",
        "syncin_mount/store/journal/log.py",
        "                        torn\n                        and len(segments) == 1\n",
        "                        False\n                        and len(segments) == 1\n",
        ("append/torn",),
    ),
    Mutation(
        "the base says that a version was sent before it was",
        "reconciler/executor/execute_remote.py",
        "            arrived = await self._sender.put(",
        "            self._replica.set_base(action.node, Base("
        "Kind.FILE, place.parent, place.name, local.size, out.mtime, 0, local.version, None))\n"
        "            arrived = await self._sender.put(",
        ("request.POST/before", "request.PUT/before"),
    ),
    Mutation(
        "what was written when the process was killed is not taken up",
        "syncin_mount/store/durability/open_recovery.py",
        "interrupted = ix.marked(ix.writing)",
        "interrupted = []",
        ("bytes/after", "write_begun/after", "written/before"),
    ),
    Mutation(
        "a rename over a file is two events",
        "syncin_mount/store/replica/posix_ops.py",
        "        self._writer.record_local(\n            events.Renamed(",
        "        if not exchange and self._ix.entry(new_parent, new_name) is not None:\n"
        "            self.unlink(new_parent, new_name)\n"
        "        self._writer.record_local(\n            events.Renamed(",
        ("unlinked/after",),
    ),
)


def first_failure(mutation: Mutation, original: Path) -> str | None:
    """How it was caught; None for one that was not."""
    with mutated(original, mutation) as copy:
        command = [sys.executable, "-m", "tests.crash", "--kills", str(KILLS), "--stop"]
        command += [word for point in mutation.points for word in ("--point", point)]
        environment = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{copy}/platform/linux"}
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
    found = re.search(r"seed \d+ failed: (.*)", done.stdout)
    if found is None and done.returncode:
        return (done.stderr.splitlines() or ["?"])[-1]
    return None if found is None else found[1]


def main() -> int:
    with committed_sources() as original:
        return catch_all(original)


def catch_all(original: Path) -> int:
    """Tries each fault in a copy of the committed sources; 0 when all are caught."""
    if out_of_place(original, MUTATIONS):
        return 2
    missed = 0
    for mutation in MUTATIONS:
        if all(word in mutation.what for word in sys.argv[1:]):
            how = first_failure(mutation, original)
            missed += how is None
            print(f"| {mutation.what} | {how[:200] if how else 'not caught'} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
