"""Which sidecar goes with which photo: names as they are in archives that people have described."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.sources.exports.google_names import cuts_of, folded, length_of, numbered
from likeness.sources.exports.google_sidecars import (
    CUT_ALIKE,
    NO_SIDECAR,
    NOT_ALL_HERE,
    SEVERAL_FIT,
    Match,
    agree,
    match_folder,
)

_LONG = "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P"


def _one(media: str, sidecar: str, title: str) -> Match | str:
    return match_folder([media], [(sidecar, title)])[media]


@pytest.mark.parametrize(
    ("media", "sidecar", "title", "rule"),
    [
        ("IMG.jpg", "IMG.jpg.json", "IMG.jpg", "exact"),
        ("IMG.jpg", "IMG.jpg.supplemental-metadata.json", "IMG.jpg", "exact"),
        ("IMG.jpg", "IMG.jpg.supplemental-metad.json", "IMG.jpg", "exact"),
        ("IMG.jpg", "IMG.jpg.s.json", "IMG.jpg", "exact"),
        ("IMG.jpg", "IMG.jpg..json", "IMG.jpg", "exact"),
        ("IMG(1).jpg", "IMG.jpg(1).json", "IMG.jpg", "numbered"),
        ("IMG(1).jpg", "IMG.jpg.supplemental-metadata(1).json", "IMG.jpg", "numbered"),
        ("IMG(12).jpg", "IMG.jpg.supp(12).json", "IMG.jpg", "numbered"),
        ("IMG(1).jpg", "IMG(1).jpg.supplemental-metadata.json", "IMG.jpg", "numbered"),
        ("IMG(1).jpg", "IMG(1).jpg.json", "IMG(1).jpg", "exact"),
        ("IMG-edited.jpg", "IMG.jpg.json", "IMG.jpg", "edited"),
        ("IMG-bearbeitet.jpg", "IMG.jpg.json", "IMG.jpg", "edited"),
        ("IMG-modifie\u0301.jpg", "IMG.jpg.json", "IMG.jpg", "edited"),
        ("IMG-ha editado.jpg", "IMG.jpg.supplemental-metadata.json", "IMG.jpg", "edited"),
        ("IMG-編集済み.jpg", "IMG.jpg.json", "IMG.jpg", "edited"),
        ("IMG-edited.jpg", "IMG.HEIC.json", "IMG.HEIC", "edited"),
        ("IMG.MP4", "IMG.HEIC.supplemental-metadata.json", "IMG.HEIC", "live"),
        ("IMG.mov", "IMG.jpg.json", "IMG.jpg", "live"),
        ("PXL_1.MP", "PXL_1.MP.jpg.json", "PXL_1.MP.jpg", "live"),
        (f"{_LONG}.jpg", f"{_LONG[:46]}.json", f"{_LONG}hoto.jpg", "cut"),
        (
            "PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGINA.jpg",
            "PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGIN.json",
            "PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGINAL.jpg",
            "cut",
        ),
        (
            "05yqt21kruxwwlhhgrwrdyb6chhwszi9bqmzu16w0 2.jpg",
            "05yqt21kruxwwlhhgrwrdyb6chhwszi9bqmzu16w0 2.jp.json",
            "05yqt21kruxwwlhhgrwrdyb6chhwszi9bqmzu16w0 2.jpg",
            "cut",
        ),
        ("😀" * 23 + ".jpg", "😀" * 23 + ".json", "😀" * 40 + ".jpg", "cut"),
        ("_ beach _.jpg", "_ beach _.jpg.json", "🏖 beach 🏖.jpg", "exact"),
        ("a_b_c.jpg", "a_b_c.jpg.json", "a&b?c.jpg", "exact"),
        ("it_s.jpg", "it_s.jpg.json", "it&#39;s.jpg", "exact"),
        ("Peanut Butter.jpg", "Peanut Butter.supplemental-metadata.json", "Peanut Butter", "exact"),
        ("x.jpg", "x.jpg.supplemental-metadata.json", "", "exact"),
    ],
)
def test_a_photo_gets_its_sidecar(media: str, sidecar: str, title: str, rule: str) -> None:
    assert _one(media, sidecar, title) == Match(sidecar=0, rule=rule)


@pytest.mark.parametrize(
    ("media", "sidecar", "title"),
    [
        ("IMG.jpg", "IMG.jpg.json", "OTHER.jpg"),
        ("IMG.jpg", "OTHER.jpg.json", "IMG.jpg"),
        ("IMG.jpg", "IMG.jpg(1).json", "IMG.jpg"),
        ("IMG(1).jpg", "IMG.jpg.json", "IMG.jpg"),
        ("IMG.png", "IMG.jpg.json", "IMG.jpg"),
        ("IMG.jpg", "IMG.jpg.supplemental-other.json", "IMG.jpg"),
        ("IMG_1.jpg", "IMG.jpg.json", "IMG.jpg"),
        ("IMG-edited-by-me.jpg", "IMG.jpg.json", "IMG.jpg"),
        ("IMG.jpg", "IMG.MP4.json", "IMG.MP4"),
        ("IMG.jpg", "metadata.json", "Summer"),
        ("l" * 46 + ".jpg", "l" * 46 + ".json", ""),
    ],
)
def test_what_does_not_agree_in_name_and_title_is_not_matched(
    media: str, sidecar: str, title: str
) -> None:
    assert _one(media, sidecar, title) == NO_SIDECAR


def test_names_cut_to_the_same_are_told_apart_by_nothing_and_named() -> None:
    media = [f"{_LONG}.jpg", f"{_LONG}(1).jpg"]
    assert set(match_folder(media, [(f"{_LONG[:46]}.json", f"{_LONG}x.jpg")]).values()) == {
        CUT_ALIKE
    }
    two = [(f"{_LONG[:46]}.json", f"{_LONG}x.jpg"), (f"{_LONG[:46]}(1).json", f"{_LONG}y.jpg")]
    assert set(match_folder(media, two).values()) == {CUT_ALIKE}


def test_sidecars_cut_to_the_same_go_by_their_titles() -> None:
    media = ["l" * 46 + "a.jpg", "l" * 46 + "b.jpg"]
    sidecars = [("l" * 46 + ".json", media[0]), ("l" * 46 + "(1).json", media[1])]
    matches = match_folder(media, sidecars)
    assert [match.sidecar for match in matches.values() if isinstance(match, Match)] == [0, 1]
    assert match_folder(media, sidecars[1:])[media[1]] == CUT_ALIKE


def test_where_one_of_several_photos_was_not_exported_no_number_is_believed() -> None:
    sidecars = [("IMG.jpg.json", "IMG.jpg"), ("IMG.jpg(1).json", "IMG.jpg")]
    assert match_folder(["IMG.jpg"], sidecars) == {"IMG.jpg": NOT_ALL_HERE}
    both = match_folder(["IMG.jpg", "IMG(1).jpg"], sidecars)
    assert all(isinstance(match, Match) for match in both.values())


def test_an_edited_version_of_one_of_two_photos_is_named() -> None:
    sidecars = [("IMG.jpg.json", "IMG.jpg"), ("IMG.jpg(1).json", "IMG.jpg")]
    matches = match_folder(["IMG.jpg", "IMG(1).jpg", "IMG-edited.jpg"], sidecars)
    assert matches["IMG-edited.jpg"] == NOT_ALL_HERE
    assert isinstance(matches["IMG.jpg"], Match)


def test_a_moving_half_that_took_a_videos_name_is_not_taken_for_it() -> None:
    media = ["IMG.HEIC", "IMG.MP4", "IMG(1).MP4"]
    sidecars = [("IMG.HEIC.json", "IMG.HEIC"), ("IMG.MP4.json", "IMG.MP4")]
    matches = match_folder(media, sidecars)
    assert matches["IMG.HEIC"] == Match(sidecar=0, rule="exact")
    assert SEVERAL_FIT in (matches["IMG.MP4"], matches["IMG(1).MP4"])
    assert not isinstance(matches["IMG.MP4"], Match)
    assert not isinstance(matches["IMG(1).MP4"], Match)


def test_a_video_titled_with_a_number_does_not_stand_for_a_moving_half() -> None:
    media = ["IMG.jpg", "IMG(1).jpg", "IMG.MP4", "IMG(1).MP4"]
    sidecars = [
        ("IMG.jpg.json", "IMG.jpg"),
        ("IMG.jpg(1).json", "IMG.jpg"),
        ("IMG(1).MP4.json", "IMG(1).MP4"),
    ]
    assert match_folder(media, sidecars)["IMG.MP4"] == NOT_ALL_HERE


def test_a_title_that_ends_in_a_number_may_be_a_second_photo_and_is_named() -> None:
    sidecars = [
        ("IMG.jpg.json", "IMG.jpg"),
        ("IMG.jpg(1).json", "IMG.jpg"),
        ("IMG(1).jpg.json", "IMG(1).jpg"),
    ]
    assert match_folder(["IMG(1).jpg"], sidecars)["IMG(1).jpg"] == SEVERAL_FIT


def test_two_sidecars_of_one_name_leave_the_photo_without() -> None:
    sidecars = [("IMG.jpg.json", "IMG.jpg"), ("IMG.jpg.supplemental-metadata.json", "IMG.jpg")]
    assert match_folder(["IMG.jpg"], sidecars)["IMG.jpg"] == SEVERAL_FIT


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=200)
def test_any_names_are_taken_without_a_fault(name: str, title: str) -> None:
    assert isinstance(agree(name + ".json", title), bool)
    assert set(match_folder([name], [(title + ".json", name)])) == {name}


@given(st.text(max_size=80), st.integers(1, 60))
def test_a_cut_is_the_beginning_of_a_text_and_near_its_limit(text: str, longest: int) -> None:
    for cut in cuts_of(text, longest):
        assert text.startswith(cut)
        assert min(length_of(cut), longest) >= min(length_of(text), longest) - 1


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_numbers_are_those_that_google_writes() -> None:
    assert numbered("IMG(2)") == ("IMG", 2)
    assert numbered("IMG(0)") == ("IMG(0)", 0)
    assert numbered("IMG(02)") == ("IMG(02)", 0)
    assert numbered("(2)") == ("", 2)


@pytest.mark.parametrize("rule", ["numbered", "edited", "live", "folded", "cut"])
def test_very_many_names_alike_take_little_time(rule: str) -> None:
    count = 5_000
    numbers = ["", *(f"({number})" for number in range(1, count))]
    media = [f"IMG{number}.jpg" for number in numbers]
    sidecars = [(f"IMG.jpg{number}.json", "IMG.jpg") for number in numbers]
    if rule == "edited":
        media += [f"IMG-edited{number}.jpg" for number in numbers]
    elif rule == "live":
        media += [f"IMG{number}.MP4" for number in numbers]
    elif rule == "folded":
        marks = [f"{number:013b}".translate({48: "!", 49: "$"}) for number in range(count)]
        media = [f"a{mark}.jpg" for mark in marks]
        sidecars = [(f"a{mark}.jpg.json", f"a{mark}.jpg") for mark in marks]
    elif rule == "cut":
        media = [f"{'l' * 47}{number}.jpg" for number in numbers]
        sidecars = [(f"{'l' * 46}{number}.json", f"{'l' * 50}{number}.jpg") for number in numbers]
    started = time.perf_counter()
    matches = match_folder(media, sidecars)
    assert time.perf_counter() - started < 10
    reasons = {match for match in matches.values() if isinstance(match, str)}
    assert reasons == {"folded": {SEVERAL_FIT}, "cut": {CUT_ALIKE}}.get(rule, set())


def test_a_folder_of_twenty_thousand_photos_is_matched_in_little_time() -> None:
    media = [f"IMG_{number}.jpg" for number in range(20_000)]
    sidecars = [(f"{name}.supplemental-metadata.json", name) for name in media]
    matches = match_folder(media, sidecars)
    assert all(isinstance(match, Match) for match in matches.values())
