"""Websites whose owner says yes, and IIIF on them: the proof, the refusals, and the polite crawl."""
