"""The list of platforms that cannot be authorised: complete, consistent, and never passed by."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import Refused
from likeness.sources.website.platforms import all_platforms, platform_of, require_no_platform

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_hosts = [(platform, h) for platform in all_platforms() for h in (*platform.hosts, *platform.media)]


def test_every_entry_is_whole_and_no_host_stands_twice() -> None:
    platforms = all_platforms()
    assert len(platforms) >= 30
    assert len({platform.name for platform in platforms}) == len(platforms)
    for platform in platforms:
        assert platform.name and platform.hosts and platform.terms and platform.export
        assert type(platform.caseless) is bool and type(platform.added) is bool
        for words in (platform.name, platform.terms, platform.sense, platform.export):
            assert words == words.strip() and not words.endswith(".")
    hosts = [host for _, host in _hosts]
    assert len(set(hosts)) == len(hosts)
    assert [host for host in hosts if not _HOST.fullmatch(host)] == []
    # A host below another of the same platform says nothing that the other does not.
    below = [(a, b) for p, a in _hosts for q, b in _hosts if p is q and a.endswith(f".{b}")]
    assert below == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("facebook.com", "Facebook"),
        ("m.facebook.com", "Facebook"),
        ("scontent-ams4-1.xx.fbcdn.net", "Facebook"),
        ("www.instagram.com", "Instagram"),
        ("scontent.cdninstagram.com", "Instagram"),
        ("x.com", "X (Twitter)"),
        ("mobile.twitter.com", "X (Twitter)"),
        ("pbs.twimg.com", "X (Twitter)"),
        ("de.linkedin.com", "LinkedIn"),
        ("media.licdn.com", "LinkedIn"),
        ("youtu.be", "YouTube"),
        ("i.ytimg.com", "YouTube"),
        ("photos.google.com", "Google Photos"),
        ("lh3.googleusercontent.com", "Google Photos"),
        ("vm.tiktok.com", "TikTok"),
        ("story.snapchat.com", "Snapchat"),
        ("i.pinimg.com", "Pinterest"),
        ("preview.redd.it", "Reddit"),
        ("somebody.tumblr.com", "Tumblr"),
        ("live.staticflickr.com", "Flickr"),
        ("web.whatsapp.com", "WhatsApp"),
        ("t.me", "Telegram"),
        ("www.threads.net", "Threads"),
        ("cdn.bsky.app", "Bluesky"),
        ("cdn.discordapp.com", "Discord"),
        ("venmo.com", "Venmo"),
        ("i.imgur.com", "Imgur"),
        ("www.okcupid.com", "Match, OkCupid, Hinge, Plenty of Fish and Meetic"),
        ("www.strava.com", "Strava"),
    ],
)
def test_pages_and_files_of_a_platform_are_known(host: str, name: str) -> None:
    platform = platform_of(host)
    assert platform is not None
    assert platform.name == name


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "notfacebook.com",
        "facebook.com.example.org",
        "google.com",
        "com",
        "",
        ".",
        "x.community",
    ],
)
def test_other_hosts_are_no_platform(host: str) -> None:
    assert platform_of(host) is None
    require_no_platform(host)


@given(
    platform_and_host=st.sampled_from(_hosts),
    label=st.one_of(st.just(""), st.from_regex(r"\A[a-z0-9-]{1,10}\.\Z")),
    upper=st.booleans(),
    dot=st.sampled_from(["", ".", "\u3002"]),
    wide=st.booleans(),
)
def test_no_spelling_of_a_host_or_below_it_gets_past(
    platform_and_host: tuple[object, str], label: str, upper: bool, dot: str, wide: bool
) -> None:
    platform, host = platform_and_host
    spelled = f"{label}{host}{dot}"
    spelled = spelled.upper() if upper else spelled
    if wide:
        spelled = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in spelled)
    found = platform_of(spelled)
    assert found is not None
    # photos.google.com is one platform's, whatever another has of google.com.
    assert found is platform or label
    with pytest.raises(Refused) as refused:
        require_no_platform(spelled)
    assert found.name in refused.value.what
    assert found.terms in refused.value.what
    assert "likeness add" in refused.value.fix
    assert found.export in refused.value.fix


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("twitter.com", "x.com"),
        ("WWW.Twitter.com.", "x.com"),
        ("mobile.x.com", "x.com"),
        ("m.facebook.com", "facebook.com"),
        ("fb.com", "facebook.com"),
        ("instagr.am", "instagram.com"),
        ("www.threads.net", "threads.com"),
        ("somebody.tumblr.com", "somebody.tumblr.com"),
        ("scontent.fbcdn.net", "scontent.fbcdn.net"),
    ],
)
def test_hosts_of_the_same_pages_have_one_that_stands_for_them(host: str, canonical: str) -> None:
    platform = platform_of(host)
    assert platform is not None
    assert platform.canonical(host) == canonical
    assert platform.canonical(canonical) == canonical


def test_exports_that_likeness_reads_are_those_that_the_list_says() -> None:
    assert {platform.name for platform in all_platforms() if platform.added} == {
        "Facebook",
        "Google Photos",
        "Instagram",
        "LinkedIn",
        "X (Twitter)",
        "YouTube",
    }
