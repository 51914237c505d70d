"""Installs a pack in a process of its own, to be killed: python install_process.py MANIFEST

It says on standard output how many bytes have come, one line at a time.
"""

from __future__ import annotations

import sys

from likeness.faces.install import install


def say(name: str, done: int, _total: int | None) -> None:
    print(name, done, flush=True)


if __name__ == "__main__":
    install(sys.argv[1], listener=say)
    print("installed", 0, flush=True)
