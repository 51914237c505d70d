"""Websites whose owner says yes, and IIIF on them: the proof, the refusals, the polite crawl."""
