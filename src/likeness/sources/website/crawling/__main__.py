"""Crawls on the public internet for the parent process that started this one."""

import sys

from likeness.sources.website.crawling.main import run
from likeness.sources.website.network import PublicNetwork

if __name__ == "__main__":
    raise SystemExit(run(PublicNetwork(), lease_descriptor=int(sys.argv[1])))
