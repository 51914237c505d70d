"""Promise 3, from every source: in goes an archive, a site, a bucket; out of a search come its
links, each with how sure it is, and the account of the run leaves nothing out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import exports_google_photos as google_photos
import exports_linkedin as linkedin
import exports_youtube as youtube
import numpy as np
import pytest
from export_archives import SHAPES, Shape, folder_of, parts_in, zip_of
from exports_facebook import Shot as FacebookShot
from exports_facebook import facebook_export
from exports_instagram import Shot as InstagramShot
from exports_instagram import instagram_export
from exports_made import Made
from exports_x import Shot, Tweet, x_archive
from films import film
from iiif_documents import Picture, manifest_2, manifest_3
from ingest_parts import counts
from PIL import Image
from promise_house import Place, said_yes
from s3_server import s3_server
from site_house import HOST, site_house
from synthetic_engine import Drawn, draw

from likeness.account import IngestReport, ItemOutcome
from likeness.errors import BadInput, NotAuthorised
from likeness.library import Library

ANN = 1
MEDIA = (".jpg", ".jpeg", ".png")


def picture(number: int, *, person: int = ANN) -> bytes:
    """A photo of somebody, told from the others by more than its face."""
    file = io.BytesIO()
    Image.fromarray(draw(Drawn(person=person, shot=number), salt=number)).save(file, "PNG")
    return file.getvalue()


def with_photos(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files with a photo of Ann in place of each photo."""
    named = sorted(name for name in files if name.lower().endswith(MEDIA))
    return {**files, **{name: picture(n) for n, name in enumerate(named)}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An export: its files, the page of each photo that is the holder's, and how sure they are."""

    files: dict[str, bytes]
    pages: dict[str, str]
    confidence: str
    recognised: str


def _of_made(made: Made, confidence: str, recognised: str) -> Case:
    return Case(
        files=with_photos(made.files),
        pages=made.pages,
        confidence=confidence,
        recognised=recognised,
    )


def _x(layout: Any) -> Case:
    tweets = (
        Tweet(shots=(Shot(base="a.jpg"), Shot(base="b.jpg"))),
        Tweet(kind="retweet"),
        Tweet(kind="other account"),
        Tweet(kind="deleted"),
        Tweet(shots=(Shot(base="c.jpg"),)),
    )
    return _of_made(x_archive(tweets, layout=layout), "exact", "X (Twitter)")


def _facebook(layout: Any) -> Case:
    shots = (FacebookShot(), FacebookShot(place="album"), FacebookShot(place="uncategorized"))
    return _of_made(facebook_export(shots, layout=layout), "profile-only", "Facebook")


def _instagram(layout: Any) -> Case:
    shots = (InstagramShot(photos=2), InstagramShot(place="stories"), InstagramShot(kind="deleted"))
    return _of_made(instagram_export(shots, layout=layout), "profile-only", "Instagram")


def _google(layout: google_photos.Layout) -> Case:
    made = google_photos.export_of(
        [
            google_photos.Photo(title="IMG_0001.jpg"),
            google_photos.Photo(title="IMG_0001.jpg"),
            google_photos.Photo(title="A very long name that the sidecar has to cut short.jpg"),
            google_photos.Photo(title="binned.jpg", flags={"trashed": True}),
        ],
        layout,
    )
    pages = {name: page for name, page in made.pages.items() if "binned" not in name}
    return Case(
        files=with_photos(made.files), pages=pages, confidence="exact", recognised="Google Photos"
    )


def _linkedin(_layout: Any) -> Case:
    made = linkedin.export_of([linkedin.Post(text="One"), linkedin.Post(text="Two", held=False)])
    pages = {name: page for name, page in made.pages.items() if page}
    return Case(
        files=with_photos(made.files), pages=pages, confidence="joined", recognised="LinkedIn"
    )


EXPORTS: dict[str, tuple[Callable[[Any], Case], Any]] = {
    "x": (_x, "2022"),
    "x 2019": (_x, "2019"),
    "x 2018": (_x, "2018"),
    "facebook": (_facebook, "2023"),
    "instagram": (_instagram, "2024"),
    "google photos": (_google, google_photos.LAYOUTS[0]),
    "google fotos": (_google, google_photos.LAYOUTS[3]),
    "linkedin": (_linkedin, None),
}


def _written(place: Path, files: dict[str, bytes], shape: Shape) -> Path:
    if shape == "folder":
        return folder_of(place / "export", files)
    if shape == "parts":
        return parts_in(place, files, parts=2)[1]
    return zip_of(place / "export.zip", files)


def _enrol(library: Library) -> None:
    photos = [draw(Drawn(person=ANN), salt=900 + n) for n in range(2)]
    library.enrol("Ann", photos, consent=said_yes())


def _found(library: Library) -> set[tuple[str, str, str]]:
    """Page, confidence and origin of every sighting that a search for Ann shows."""
    answer = library.search(draw(Drawn(person=ANN, look=1, shot=3)), purpose="be_found")
    return {
        (s.link.page_url, s.link.confidence, s.link.link_from)
        for candidate in answer.candidates
        for photo in candidate.photos
        for s in photo.sightings
    }


def _add(library: Library, what: Path | str) -> tuple[IngestReport, list[ItemOutcome]]:
    outcomes: list[ItemOutcome] = []
    return library.ingest(what, collection="party", items=outcomes.append), outcomes


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_goes_in_and_its_links_come_out_of_a_search(
    library: Library, tmp_path: Path, name: str, shape: Shape
) -> None:
    make, layout = EXPORTS[name]
    case = make(layout)
    assert case.pages
    _enrol(library)
    report, outcomes = _add(library, _written(tmp_path, case.files, shape))
    assert case.recognised in report.recognised
    assert _found(library) == {(page, case.confidence, "export") for page in case.pages.values()}
    taken = {o.item for o in outcomes if o.outcome in ("new", "known")}
    skipped = {o.item: o.reason for o in outcomes if o.outcome == "skipped"}
    photos = {n for n in case.files if n.lower().endswith(MEDIA)}
    assert taken == set(case.pages) and photos <= taken | set(skipped), "all are accounted for"
    assert all(skipped.values()) and report.skipped_count == len(skipped)
    assert report.without_link == 0
    again, _ = _add(library, tmp_path / ("export.zip" if shape == "zip" else _again(shape)))
    assert (again.new, again.known) == (0, report.found), "and nothing is read twice"


def _again(shape: Shape) -> str:
    return "export" if shape == "folder" else "export-001.zip"


def test_what_a_later_export_says_is_deleted_goes(library: Library, tmp_path: Path) -> None:
    _enrol(library)
    kept = Tweet(shots=(Shot(base="a.jpg"),))
    first = with_photos(x_archive((kept, kept)).files)
    later = with_photos(x_archive((kept, replace(kept, kind="deleted"))).files)
    _add(library, zip_of(tmp_path / "first.zip", first))
    assert len(_found(library)) == 2
    report, _ = _add(library, zip_of(tmp_path / "later.zip", later))
    assert report.gone == 1 and len(_found(library)) == 1


def test_venmo_gives_no_photos_and_add_says_how_a_notice_works(
    library: Library, tmp_path: Path
) -> None:
    from exports_venmo import statement

    (tmp_path / "venmo.csv").write_bytes(statement())
    with pytest.raises(BadInput, match="no photos") as raised:
        _add(library, tmp_path / "venmo.csv")
    assert "likeness notice add" in raised.value.fix


@contextmanager
def _asked(library: Library, place: str) -> Iterator[str]:
    """The line that the owner of a place is asked to publish."""
    yield library.authorise(place).line


def test_a_site_goes_in_and_the_pages_come_out(library: Library, tmp_path: Path) -> None:
    _enrol(library)
    with site_house(tmp_path) as house:
        own = Library(replace(library.house, network=house.network))
        house.page("/", '<a href="/fair">The fair</a>')
        house.page("/fair", '<img src="/1.png" alt="Ann at the fair"><img src="/2.png">')
        for number in (1, 2):
            house.server.put(HOST, f"/{number}.png", picture(number), kind="image/png")
        with pytest.raises(NotAuthorised):
            _add(own, f"https://{HOST}/")
        line = own.authorise(HOST).line
        with pytest.raises(NotAuthorised):
            _add(own, f"https://{HOST}/")
        assert [asked.path for asked in house.server.asked if "png" in asked.path] == []
        house.network.texts[f"_likeness.{HOST}"] = [line]
        report, _ = _add(own, f"https://{HOST}/")
        assert counts(report) == (2, 2, 0, 0)
        assert _found(own) == {(f"https://{HOST}/fair", "exact", "website")}
        words = {
            s.link.text for p in own.show(own.people()[0].person.person_id)[1] for s in p.sightings
        }
        assert "Ann at the fair" in words
        again, _ = _add(own, f"https://{HOST}/")
        assert counts(again) == (2, 0, 2, 0)


@pytest.mark.parametrize("manifest", [manifest_2, manifest_3], ids=["iiif 2", "iiif 3"])
def test_a_iiif_manifest_goes_in_with_its_rights(
    library: Library, tmp_path: Path, manifest: Callable[..., bytes]
) -> None:
    _enrol(library)
    with site_house(tmp_path) as house:
        own = Library(replace(library.house, network=house.network))
        site = f"https://{HOST}/iiif/12"
        image = Picture(name="one", level=None)
        body = manifest(site, [image])
        house.server.put(HOST, "/iiif/12/manifest.json", body, kind="application/json")
        house.server.put(HOST, _image_path(body), picture(1), kind="image/png")
        house.network.texts[f"_likeness.{HOST}"] = [own.authorise(HOST).line]
        report, outcomes = _add(own, f"{site}/manifest.json")
        assert report.new == 1, outcomes
        [(_page, confidence, origin)] = _found(own)
        assert (confidence, origin) == ("exact", "iiif")
        [link] = [o.link for o in outcomes if o.outcome == "new"]
        assert link is not None and "rightsstatements.org" in link.rights


def _image_path(manifest: bytes) -> str:
    import re

    [found] = set(re.findall(rb"https://[^\"]+/images/[^\"]+", manifest))
    return found.decode().removeprefix(f"https://{HOST}")


def test_a_bucket_goes_in_by_its_holders_line_and_the_objects_come_out(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enrol(library)
    with s3_server(monkeypatch) as server:
        objects = {f"2026/fair {number}.png": picture(number) for number in range(3)}
        bucket = server.bucket(objects, proof=None)
        with pytest.raises(NotAuthorised):
            _add(library, f"s3://{bucket}/2026")
        line = library.authorise(f"s3://{bucket}").line
        with pytest.raises(NotAuthorised):
            _add(library, f"s3://{bucket}/2026")
        assert server.listings() == []
        server.put(bucket, ".well-known/likeness.txt", line.encode())
        assert library.check_authorisation(f"s3://{bucket}").method == "object"
        report, _ = _add(library, f"s3://{bucket}/2026")
        assert counts(report) == (3, 3, 0, 0) and report.without_link == 3
        assert _found(library) == {
            (f"s3://{bucket}/2026/fair%20{number}.png", "exact", "file") for number in range(3)
        }


def test_a_video_of_an_export_is_found_at_its_moments(
    place: Place, networks: Any, portraits: Any, tmp_path: Path
) -> None:
    """With the real networks: drawn faces do not survive the compression of a video."""
    collins = np.ascontiguousarray(portraits.collins[:480, :480])
    nobody = np.full_like(collins, 90)
    nobody[::16] = 60
    pictures = [nobody] * 24 + [collins] * 24 + [nobody] * 24
    data = film(pictures, rate=12, codec="libx264")
    video = youtube.Video(title="A flight", length_ms=6_000)
    made = youtube.export_of([video])
    files = {name: data if name.endswith(".mp4") else body for name, body in made.files.items()}
    [page] = {f"https://www.youtube.com/watch?v={name}" for name in made.ids.values()}
    with replace(place, engine=networks).open() as library:
        consent = said_yes()
        person = library.enrol("Eileen", [portraits.collins], consent=consent).person_id
        report, _ = _add(library, zip_of(tmp_path / "takeout.zip", files))
        assert report.videos == 1 and "YouTube" in report.recognised
        _, photos = library.show(person)
        links = [s.link for photo in photos for s in photo.sightings]
        assert links and {link.confidence for link in links} == {"joined"}
        for link in links:
            assert link.span is not None
            assert 1_900 <= link.span.start_ms <= 3_100 and link.span.end_ms <= 4_200
            assert link.page_url == f"{page}&t={link.span.start_ms // 1000}"
        again, _ = _add(library, tmp_path / "takeout.zip")
        assert (again.new, again.known) == (0, report.found)
