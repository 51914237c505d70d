"""The desk: what it counts says nothing of anybody whom the account may not find."""

from __future__ import annotations

import re
from typing import Any

from promise_house import enrol
from web_server import Client

HTML = {"accept": "text/html"}


def counted(client: Client) -> dict[str, str]:
    """What the desk counts of the whole library, but for audit entries, which every deed adds."""
    page = client.get("/desk", headers=HTML).text
    figure = r'class="strong">([^<]+)</span></span>\s*<span class="figure">([^<]+)<'
    found = dict(re.findall(figure, page))
    found["faces"] = re.findall(r"with ([\d,]+) faces", page)[0]
    assert set(found) == {"Photos", "faces", "To compare", "To review", "Audit entries"}
    return {name: found[name] for name in ("Photos", "faces", "To compare")}


def test_the_desk_counts_the_same_whoever_enrolled_for_themself_alone(site: Any) -> None:
    operator = site.client("operator")
    before = counted(operator)
    assert before["faces"] != "0" and before["To compare"] == "0"
    enrol(site.library, "Ben Berg", 2, "find_me")
    assert counted(operator) == before
    assert "Ben" not in operator.get("/desk", headers=HTML).text
