"""The similarity index: which eligible references are close to a template.

``base`` holds the Protocol and what every adapter shares; ``faiss`` is the index inside the
process, made of ``blocks`` (where vectors lie), ``compare`` (the scores) and ``lock``.
"""
