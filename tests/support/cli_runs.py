"""Runs the real command line in this process, and says what it wrote and how it ended."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.cli.main import main


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def answer(self) -> dict[str, Any]:
        """The one object on standard output, with nothing around it."""
        assert self.out.count(b"\n") == 1 and self.out.endswith(b"\n"), self.out
        fields: dict[str, Any] = json.loads(self.out)
        return fields


def run(*words: str | Path) -> Ran:
    """Run ``likeness WORDS`` as a script would: no terminal on either end."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), out, err
    try:
        code = main([str(word) for word in words])
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    out.flush()
    err.flush()
    assert isinstance(out.buffer, io.BytesIO) and isinstance(err.buffer, io.BytesIO)
    return Ran(code=code, out=out.buffer.getvalue(), err=err.buffer.getvalue().decode())
