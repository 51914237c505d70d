"""What a photo says of its origin, read as something that nobody vouches for."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from likeness.faces.decode import decode
from likeness.faces.metadata import MAX_ADDRESS, MAX_TEXT, parse_date, parse_iptc, parse_xmp
from likeness.records.photo import EmbeddedMetadata, ReadLimits

NOTHING = EmbeddedMetadata()
PAGE = "https://photos.example/albums/7"


def packet(properties: str = "", attributes: str = "") -> bytes:
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>"
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about=''"
        " xmlns:dc='http://purl.org/dc/elements/1.1/'"
        " xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'"
        f" xmlns:xmpRights='http://ns.adobe.com/xap/1.0/rights/' {attributes}>"
        f"{properties}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def dataset(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def photo_with(form: str = "JPEG", **options: Any) -> EmbeddedMetadata:
    file = io.BytesIO()
    Image.new("RGB", (20, 10), (80, 90, 100)).save(file, form, **options)
    return decode(file.getvalue(), limits=ReadLimits(), long_side=None).metadata


def jpeg_with_iptc(block: bytes) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 10)).save(file, "JPEG")
    resource = b"8BIM" + struct.pack(">HxxI", 0x0404, len(block)) + block
    segment = b"Photoshop 3.0\x00" + resource + b"\x00" * (len(block) % 2)
    marker = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    data = file.getvalue()
    return data[:2] + marker + data[2:]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_is_found_in_each_format_that_holds_it(form: str) -> None:
    xmp = packet(attributes=f"xmpRights:WebStatement='{PAGE}' photoshop:Source='Ilmari Archive'")
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        found = photo_with("PNG", pnginfo=text)
    elif form == "TIFF":
        found = photo_with("TIFF", tiffinfo={700: xmp})
    else:
        found = photo_with(form, xmp=xmp)
    assert (found.web_statement, found.source) == (PAGE, "Ilmari Archive")


def test_xmp_properties_may_be_elements_and_lists() -> None:
    found = parse_xmp(
        packet(
            f"<xmpRights:WebStatement>{PAGE}</xmpRights:WebStatement>"
            "<dc:source>An album</dc:source>"
            "<dc:description><rdf:Alt><rdf:li xml:lang='fi'>Kesä</rdf:li>"
            "<rdf:li xml:lang='x-default'>Summer\nday</rdf:li></rdf:Alt></dc:description>"
        )
    )
    assert found == EmbeddedMetadata(
        web_statement=PAGE, source="An album", description="Summer\nday"
    )


def test_the_source_of_photoshop_goes_before_that_of_dublin_core() -> None:
    found = parse_xmp(packet("<dc:source>second</dc:source>", "photoshop:Source='first'"))
    assert found.source == "first"


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><x/>",
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><x>&e;</x>",
        b"<x" + b"><x" * 50_000,
        b"<x>" * 20_000 + b"</x>" * 20_000,
        b"\xff\xfe<\x00",
        b"<?xml version='1.0' encoding='no-such-code'?><x/>",
        packet()[:-40],
    ],
)
def test_hostile_xmp_counts_as_absent(hostile: bytes) -> None:
    assert parse_xmp(hostile) == NOTHING
    assert photo_with("WEBP", xmp=hostile) == NOTHING


def test_an_entity_in_otherwise_good_xmp_refuses_all_of_it() -> None:
    xmp = packet(attributes=f"xmpRights:WebStatement='{PAGE}'")
    assert parse_xmp(b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xmp) == NOTHING


def test_xmp_of_more_than_a_megabyte_counts_as_absent() -> None:
    xmp = packet("<!--" + "x" * 1_000_000 + "-->", f"xmpRights:WebStatement='{PAGE}'")
    assert parse_xmp(xmp) == NOTHING


def test_long_words_are_bounded_and_control_characters_dropped() -> None:
    found = parse_xmp(
        packet(
            "<dc:description><rdf:Alt><rdf:li>" + "long " * 9000 + "</rdf:li></rdf:Alt>"
            "</dc:description>",
            f"xmpRights:WebStatement='https://x.example/{'a' * MAX_ADDRESS}'"
            " photoshop:Source='two&#10;lines&#x202e;'",
        )
    )
    assert found.web_statement == ""
    assert found.source == "two lines"
    assert 0 < len(found.description) <= MAX_TEXT


def test_iptc_is_read_where_xmp_is_silent() -> None:
    block = dataset(2, 115, b"News desk") + dataset(2, 120, "Järvi".encode())
    found = decode(jpeg_with_iptc(block), limits=ReadLimits(), long_side=None).metadata
    assert (found.source, found.description) == ("News desk", "Järvi")


@pytest.mark.parametrize(
    ("block", "source"),
    [
        (dataset(1, 90, b"\x1b%G") + dataset(2, 115, "é".encode()), "é"),
        (dataset(2, 115, b"caf\xe9"), "café"),
        (dataset(2, 115, b"first") + dataset(2, 115, b"second"), "first"),
        (dataset(2, 5, b"title") + b"\x1c\x02\x73\x80\x02\x00\x04four", "four"),
        (dataset(2, 115, b"kept") + b"\x1c\x02\x78\xff\xff", "kept"),
        (b"\x1c\x02\x73\x00\x09short", ""),
        (b"", ""),
    ],
)
def test_iptc_datasets_are_read_up_to_the_first_malformed(block: bytes, source: str) -> None:
    assert parse_iptc(block).source == source


def exif_of(date: object, offset: object = None) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    details = exif.get_ifd(0x8769)
    details[36867] = date
    if offset is not None:
        details[36881] = offset
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_exif_date_is_read_with_its_offset(form: str) -> None:
    date, offset = "2024:05:17 10:20:30", "+02:00"
    if form == "TIFF":
        tags = ImageFileDirectory_v2()
        tags[34665] = {36867: date, 36881: offset}
        found = photo_with("TIFF", tiffinfo=tags)
    else:
        found = photo_with(form, exif=exif_of(date, offset))
    assert found.taken_at == datetime(2024, 5, 17, 8, 20, 30, tzinfo=UTC)
    assert found.taken_at is not None and found.taken_at.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("date", [7, b"2024:05:17 10:20:30", "yesterday"])
def test_an_exif_date_of_another_kind_counts_as_absent(date: object) -> None:
    assert photo_with("JPEG", exif=exif_of(date)).taken_at is None


@pytest.mark.parametrize(
    ("date", "offset", "expected"),
    [
        ("2024:05:17 10:20:30", "", datetime(2024, 5, 17, 10, 20, 30, tzinfo=UTC)),
        ("2024:05:17 10:20:30", "nonsense", datetime(2024, 5, 17, 10, 20, 30, tzinfo=UTC)),
        ("2024:05:17 10:20:30\x00", "-03:30", None),
        ("0000:00:00 00:00:00", "", None),
        ("2024:13:01 00:00:00", "", None),
        ("1700:01:01 00:00:00", "", None),
        ("9999:12:31 23:59:59", "-12:00", None),
        ("    :  :     :  :  ", "", None),
        ("", "", None),
    ],
)
def test_dates_that_cannot_be_are_none(date: str, offset: str, expected: datetime | None) -> None:
    if offset == "-03:30":
        expected = datetime(2024, 5, 17, 10, 20, 30, tzinfo=timezone(-timedelta(minutes=210)))
    assert parse_date(date, offset) == expected


@given(data=st.binary(max_size=400))
def test_random_bytes_never_fail_as_metadata(data: bytes) -> None:
    for found in (parse_xmp(data), parse_xmp(packet() + data), parse_iptc(data)):
        assert isinstance(found, EmbeddedMetadata)
    assert isinstance(parse_iptc(b"\x1c\x02\x73" + data), EmbeddedMetadata)


@given(data=st.binary(max_size=200))
def test_random_exif_never_fails_a_photo(data: bytes) -> None:
    for start in (b"Exif\x00\x00", b"Exif\x00\x00II*\x00\x08\x00\x00\x00", b"Exif\x00\x00MM\x00*"):
        found = photo_with("JPEG", exif=start + data)
        assert found.taken_at is None or found.taken_at.tzinfo is not None


@given(date=st.text(max_size=25), offset=st.text(max_size=8))
def test_random_words_never_fail_as_a_date(date: str, offset: str) -> None:
    found = parse_date(date, offset)
    assert found is None or found.astimezone(UTC).year > 1800
