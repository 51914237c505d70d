"""What parts of the app keep in memory between requests."""

from __future__ import annotations

import threading
from typing import Any

from likeness.web.parts import Parts


def test_what_is_kept_is_made_once_however_many_ask_at_once(site: Any) -> None:
    parts = Parts(
        library=site.library,
        options=None,  # type: ignore[arg-type]
        templates=None,  # type: ignore[arg-type]
        tasks=None,  # type: ignore[arg-type]
        rates=None,  # type: ignore[arg-type]
    )
    made: list[object] = []
    got: list[object] = []
    ready = threading.Barrier(16)

    def make() -> object:
        made.append(object())
        return made[-1]

    def one() -> None:
        ready.wait(20)
        got.extend(parts.kept("decoders", make) for _ in range(20))

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == 1 and len(got) == 320
    assert {id(each) for each in got} == {id(made[0])}
    assert parts.give_up("decoders") is made[0]
    assert parts.give_up("decoders") is None
