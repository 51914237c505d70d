"""A network whose names lead to servers on loopback: for tests, and for nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from likeness.errors import AddressRefused
from likeness.sources.website.network import Endpoint, PublicNetwork
from likeness.sources.website.public_addresses import WEB_PORT


class UnsafeLoopbackNetwork(PublicNetwork):
    """Loopback for the given names, the package's own guard for all else.

    Parameters
    ----------
    authority : path
        PEM of the authority that is trusted.
    servers : mapping of str to int
        Port on loopback by host; only these are connected to.
    leads_to : mapping of str to list of list of str
        IP addresses by host, one list for each look-up (the last one for all further ones), which
        go through the package's own check.
    lies : mapping of str to list of list of str
        The same without the check, as if somebody had got around it: connecting has to refuse. The
        word ``"server"`` stands for the host's server on loopback.
    texts : mapping of str to list of str
        TXT records by name; a name without any has none, and ``None`` is a server that is down.
    """

    def __init__(
        self,
        *,
        authority: Path,
        folder: Path,
        servers: Mapping[str, int] | None = None,
        leads_to: Mapping[str, Sequence[Sequence[str]]] | None = None,
        lies: Mapping[str, Sequence[Sequence[str]]] | None = None,
        texts: Mapping[str, Sequence[str] | None] | None = None,
    ) -> None:
        self._folder = folder
        self._authority = authority
        self.servers = dict(servers or {})
        self.leads_to = {
            name: [list(each) for each in found] for name, found in (leads_to or {}).items()
        }
        self.lies = {name: [list(each) for each in found] for name, found in (lies or {}).items()}
        self.texts = dict(texts or {})
        self._looked_up: dict[str, int] = {}

    def endpoints(self, host: str, port: int) -> tuple[Endpoint, ...]:
        if host in self.lies and port == WEB_PORT:
            return tuple(self._endpoint(host, address) for address in self._turn(host, self.lies))
        if host in self.servers and port == WEB_PORT:
            return (Endpoint(address="127.0.0.1", port=self.servers[host]),)
        return super().endpoints(host, port)

    def look_up(self, host: str) -> list[str]:
        if host in self.leads_to:
            return self._turn(host, self.leads_to)
        raise AddressRefused(f"{host} is unknown.")

    def permits(self, address: str, port: int) -> bool:
        if address == "127.0.0.1" and port in self.servers.values():
            return True
        return super().permits(address, port)

    def txt_records(self, name: str) -> tuple[str, ...]:
        records = self.texts.get(name, ())
        if records is None:
            raise OSError("no name server answered")
        return tuple(records)

    def authorities(self) -> str:
        return str(self._authority)

    def crawl_command(self) -> list[str]:
        told = self._folder / "network.json"
        told.write_text(
            json.dumps(
                {
                    "authority": str(self._authority),
                    "folder": str(self._folder),
                    "servers": self.servers,
                    "leads_to": self.leads_to,
                    "lies": self.lies,
                }
            )
        )
        return [sys.executable, "-W", "ignore", __file__, str(told)]

    def _turn(self, host: str, found: Mapping[str, Sequence[Sequence[str]]]) -> list[str]:
        turn = self._looked_up.get(host, 0)
        self._looked_up[host] = turn + 1
        return list(found[host][min(turn, len(found[host]) - 1)])

    def _endpoint(self, host: str, address: str) -> Endpoint:
        if address == "server":
            return Endpoint(address="127.0.0.1", port=self.servers[host])
        return Endpoint(address=address, port=WEB_PORT)


def _crawl(told: Path, lease_descriptor: int) -> int:
    from likeness.sources.website.crawling.main import run

    stated = json.loads(told.read_text())
    stated["authority"], stated["folder"] = Path(stated["authority"]), Path(stated["folder"])
    return run(UnsafeLoopbackNetwork(**stated), lease_descriptor=lease_descriptor)


if __name__ == "__main__":
    raise SystemExit(_crawl(Path(sys.argv[1]), int(sys.argv[2])))
