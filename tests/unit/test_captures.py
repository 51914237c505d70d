"""The keeper of live captures: bounded, one picture at a time each, and wiped when they lapse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from moving_portrait import jpeg
from numpy.typing import NDArray

from likeness.captures import Captures
from likeness.errors import NotFound, PackMismatch, PhotoUnreadable, RateLimited
from likeness.faces.decode import decode
from likeness.faces.frames import dlib_5
from likeness.faces.packs import Pack
from likeness.faces.quality import Quality
from likeness.live_capture import FRAME_LIMITS, LiveCapture, sameness_of
from likeness.records.capture import MOVEMENTS
from likeness.records.face import DetectedFace

Pixels = NDArray[np.uint8]


class MovingEngine:
    """Finds one face in any picture, posed as the test says."""

    def __init__(self, pack: Pack) -> None:
        self.pack, self.frame = pack, dlib_5()
        self.yaw, self.nearer = 0.0, 1.0
        self.wait: threading.Event | None = None
        self.looking = threading.Event()

    def find(self, image: Pixels) -> list[DetectedFace]:
        self.looking.set()
        if self.wait is not None:
            assert self.wait.wait(20)
        height, width = image.shape[:2]
        across = np.array([0.6, 0.55, 0.4, 0.45, 0.5]) * width
        down = np.array([0.4, 0.4, 0.4, 0.4, 0.6]) * height
        return [
            DetectedFace(
                box=(width // 3, height // 4, 2 * width // 3, 3 * height // 4),
                score=1.0,
                landmarks=np.stack([across, down], axis=1).astype(np.float32),
            )
        ]

    def quality(self, image: Pixels, faces: Sequence[DetectedFace]) -> list[Quality]:
        return [
            Quality(
                inter_eye=24.0 * self.nearer,
                sharpness=500.0,
                yaw=self.yaw,
                roll=0.0,
                inside=1.0,
                under_exposure=0.0,
                over_exposure=0.0,
                dynamic_range=7.0,
                unified=90,
            )
            for _ in faces
        ]

    def templates(self, image: Pixels, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        return np.tile(np.eye(4, dtype=np.float32)[:1], (len(faces), 1))


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moving_engine(pack: Pack) -> MovingEngine:
    return MovingEngine(pack)


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def captures(clock: _Clock) -> Iterator[Captures]:
    made = Captures(clock=clock, draw=lambda: MOVEMENTS)
    yield made
    made.close()


def _frame() -> bytes:
    return jpeg(np.full((240, 320, 3), 90, dtype=np.uint8))


def _begin(
    captures: Captures, engine: MovingEngine, key: str = "one", *, invitation: str = ""
) -> None:
    captures.begin(
        key,
        invitation_id=invitation or f"invitation of {key}",
        engine=engine,
        thresholds=engine.pack.thresholds_for(1),
    )


POSES = [
    *[(0.0, 1.0)] * 6,
    *[(0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.3, 1.0), (0.2, 1.0), (0.1, 1.0), (0.0, 1.0)],
    *[(0.0, 1.0)] * 2,
    *[(-0.1, 1.0), (-0.2, 1.0), (-0.3, 1.0), (-0.3, 1.0), (-0.2, 1.0), (0.0, 1.0)],
    *[(0.0, 1.0)] * 2,
    *[(0.0, 1.1), (0.0, 1.2), (0.0, 1.3), (0.0, 1.35), (0.0, 1.1), (0.0, 1.0), (0.0, 1.0)],
]


def _passed(captures: Captures, engine: MovingEngine, clock: _Clock, key: str = "one") -> None:
    frame = _frame()
    for engine.yaw, engine.nearer in POSES:
        clock.now += 0.25
        captures.look(key, frame)
    assert captures.state(key) == "passed"


def test_whoever_passes_leaves_pictures_until_they_are_forgotten(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    assert captures.state("one") == "none"
    _begin(captures, moving_engine)
    assert captures.state("one") == "running"
    with pytest.raises(NotFound):
        captures.take("one")
    _passed(captures, moving_engine, clock)
    assert 1 <= len(captures.take("one")) <= 4
    captures.forget("one")
    assert captures.state("one") == "none"
    with pytest.raises(NotFound):
        captures.take("one")


def test_no_template_outlives_a_capture(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    _begin(captures, moving_engine)
    capture = captures._of("one").capture
    _passed(captures, moving_engine, clock)
    kept = [one.picture for one in capture._kept.values()]
    assert kept
    assert capture._challenge._last is None
    assert capture._challenge._template is None
    captures.forget("one")
    assert not any(picture.any() for picture in kept)


def test_beginning_again_wipes_what_was_before(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    _begin(captures, moving_engine)
    _passed(captures, moving_engine, clock)
    before = captures._of("one").capture
    _begin(captures, moving_engine)
    assert captures.state("one") == "running"
    with pytest.raises(NotFound):
        before.taken()


def test_whoever_has_one_link_holds_one_place_with_however_many_browsers(
    captures: Captures, moving_engine: MovingEngine
) -> None:
    former = []
    for number in range(100):
        _begin(captures, moving_engine, f"browser {number}", invitation="one link")
        former.append(captures._of(f"browser {number}").capture)
    assert [capture._closed for capture in former] == [*[True] * 99, False]
    assert captures.state("browser 98") == "none"
    assert captures.state("browser 99") == "running"
    _begin(captures, moving_engine, "somebody else")


def test_of_those_that_begin_at_once_by_one_key_all_but_one_are_wiped(
    moving_engine: MovingEngine,
) -> None:
    made: list[LiveCapture] = []

    class _Noting(Captures):
        def _timer(self, key: str, capture: LiveCapture, seconds: float) -> threading.Timer:
            made.append(capture)
            timers.append(super()._timer(key, capture, seconds))
            return timers[-1]

    timers: list[threading.Timer] = []
    captures = _Noting()
    ready = threading.Barrier(8)

    def one() -> None:
        for _ in range(50):
            ready.wait(20)
            _begin(captures, moving_engine)

    threads = [threading.Thread(target=one) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(made) == 400
        assert [capture for capture in made if not capture._closed] == [captures._of("one").capture]
        assert sum(not timer.finished.is_set() for timer in timers) == 1
    finally:
        captures.close()


def test_a_picture_that_comes_while_one_is_looked_at_is_left_out(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    _begin(captures, moving_engine)
    moving_engine.wait = threading.Event()
    clock.now += 1
    first = threading.Thread(target=lambda: captures.look("one", _frame()))
    first.start()
    assert moving_engine.looking.wait(20)
    assert captures.look("one", _frame()) is None
    moving_engine.wait.set()
    first.join(20)
    assert captures.state("one") == "running"


def test_what_lapsed_is_wiped_although_nobody_comes_by(
    moving_engine: MovingEngine, clock: _Clock
) -> None:
    captures = Captures(clock=clock, lasts=0.05)
    try:
        _begin(captures, moving_engine)
        capture = captures._of("one").capture
        _eventually(lambda: captures.state("one") == "none")
        _eventually(lambda: capture._closed)
        with pytest.raises(NotFound):
            captures.look("one", _frame())
    finally:
        captures.close()


def test_no_more_are_held_than_there_may_be(moving_engine: MovingEngine, clock: _Clock) -> None:
    captures = Captures(clock=clock, most=2)
    try:
        for key in ("one", "two"):
            clock.now += 100
            _begin(captures, moving_engine, key)
        clock.now += 100
        with pytest.raises(RateLimited):
            _begin(captures, moving_engine, "three")
        _begin(captures, moving_engine, "two")
    finally:
        captures.close()


def test_no_more_run_than_the_machine_can_look_at(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    with pytest.raises(RateLimited):
        for number in range(1000):
            _begin(captures, moving_engine, f"key {number}")
    clock.now += 60
    _begin(captures, moving_engine, "later")


def test_a_pack_without_thresholds_cannot_say_whether_a_face_stays_the_same(pack: Pack) -> None:
    unmeasured = replace(pack, thresholds=(), provisional=None)
    with pytest.raises(PackMismatch):
        sameness_of(unmeasured.thresholds_for(1))


def test_a_picture_that_cannot_be_read_changes_nothing(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    _begin(captures, moving_engine)
    before = captures._of("one").capture.step
    with pytest.raises(PhotoUnreadable):
        captures.look("one", _frame()[:200])
    assert captures._of("one").capture.step == before


def test_the_pixels_of_a_picture_are_overwritten_once_it_was_looked_at(
    captures: Captures, moving_engine: MovingEngine, clock: _Clock
) -> None:
    seen: list[Pixels] = []

    class _Remembering:
        def decode(self, data: bytes, *, long_side: int | None) -> object:
            photo = decode(data, limits=FRAME_LIMITS, long_side=long_side)
            seen.append(photo.pixels)
            return photo

    capture = LiveCapture(
        engine=moving_engine,
        sameness=sameness_of(moving_engine.pack.thresholds_for(1)),
        decoders=_Remembering(),  # type: ignore[arg-type]
        clock=clock,
    )
    clock.now += 1
    assert capture.look(_frame()) is not None
    assert [picture.any() for picture in seen] == [False]
    capture.close()


def _eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
