"""What it gives to let a person have one face of a photo, on photos put together by chance."""

from __future__ import annotations

import numpy as np
from open_set import Floats, Score, Trial, search

PHOTOS = 4000
FACES = 6


def one_to_one(given: Trial, score: Score, at: float, *, seed: int) -> list[str]:
    """Wrong and right links with and without the rule, in words.

    A photo is drawn of half strangers and half people who are enrolled, no person twice. Each face
    goes to its best person where that reaches the threshold for FPIR ``at``.
    """
    random = np.random.default_rng(seed)
    found = search(given, score)
    falling = np.sort(found.top)[::-1]
    threshold = falling[int(at * len(falling))]
    searched = np.concatenate([given.mated, given.strangers])
    owners = np.concatenate([given.owners, np.full(len(given.strangers), -1)])
    scores = score(given.references, searched)
    wrong, right, mated = np.zeros(2), np.zeros(2), 0
    for _ in range(PHOTOS):
        people = random.choice(len(given.references), FACES // 2, replace=False)
        inside = [int(random.choice(np.flatnonzero(given.owners == one))) for one in people]
        outside = random.choice(len(given.strangers), FACES - FACES // 2, replace=False)
        faces = np.array([*inside, *(outside + len(given.mated))])
        mated += len(inside)
        for rule, links in enumerate(_links(scores[:, faces], float(threshold))):
            for face, person in links:
                right[rule] += owners[faces[face]] == person
                wrong[rule] += owners[faces[face]] != person
    shares = right / mated
    return [
        f"A person one face of a photo at most: on {PHOTOS:,} photos put together of {FACES} faces "
        f"each, half of them strangers, {wrong[0]:.0f} wrong links without that rule and "
        f"{wrong[1]:.0f} with it; {shares[0]:.2%} and {shares[1]:.2%} of the enrolled faces are "
        "linked rightly."
    ]


def _links(scores: Floats, threshold: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(face, person) without and with the rule, of scores (people, faces)."""
    best = scores.argmax(axis=0)
    free = [(f, int(p)) for f, p in enumerate(best) if scores[p, f] > threshold]
    ruled, left = [], scores.copy()
    while left.max() > threshold:
        person, face = np.unravel_index(int(left.argmax()), left.shape)
        ruled.append((int(face), int(person)))
        left[person], left[:, face] = -np.inf, -np.inf
    return free, ruled
