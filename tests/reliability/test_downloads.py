"""Downloads from a server that fails in every way: the archive comes whole in the end, or one sentence says why not."""

import hashlib
import io
import json
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from email.utils import formatdate

import pytest
from fault_server import Answer, FaultServer, tag

from grd.config.datasets import Archive, Source
from grd.data.archives import acquisition as archives
from grd.data.archives.download import CHUNK, Patience
from grd.errors import GrdError
from grd.provenance.manifest import record_archive
from grd.system.locks import lock_file

MEMBER = "images/IXMtest_A01.tif"
SIZE, AFTER = 7 * CHUNK, 3 * CHUNK  # bytes of the file, and after which transfers break: whole blocks, so none is lost
PAGE = {"headers": {"Content-Type": "text/html"}, "body": b"\n<!DOCTYPE html><html>Please log in</html>"}
BROKEN = Answer(stop=AFTER)


def zipped(seed=0):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo(MEMBER), random.Random(seed).randbytes(SIZE - 142))  # the rest is the zip's own
    return buffer.getvalue()


OFFICIAL, OTHER = zipped(), zipped(1)
DIGEST = hashlib.sha256(OFFICIAL).hexdigest()
assert len(OFFICIAL) == SIZE


class Case:
    """One archive of a data set, to be obtained from the server; pauses are noted instead of waited for."""

    def __init__(self, folder, server):
        self.folder, self.server, self.pauses = folder, server, []

    def obtain(self, *answers, **options):
        return self.obtain_from([self.server.script(*answers)], **options)

    def obtain_from(self, addresses, sha256=DIGEST, **patience):
        archive = Archive(url=addresses[0], mirrors=addresses[1:], sha256=sha256, members="^images/", example="images/*.tif")
        settings = Source(archives={"images.zip": archive}, split="archive")
        waiting = Patience(sleep=self.pauses.append, **patience)
        (path,) = archives.obtain("bbbc039", settings, self.folder / "data", self.folder / "inbox", False, waiting).values()
        return path.read_bytes()

    def stored(self):
        return sorted(path.name for path in (self.folder / "data").glob("*"))

    def partial(self):
        """The files of unfinished downloads, but for the lock."""
        return sorted(path for path in (self.folder / "partial").iterdir() if path.suffix != ".lock")

    def sent(self):
        """What was asked for of the file, and how much went out, request by request."""
        return [(request.range, request.sent) for request in self.server.requests]


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FaultServer(OFFICIAL) as server:
        yield Case(tmp_path, server)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(BROKEN, id="truncated"),
        pytest.param(Answer(stop=AFTER, then="reset"), id="reset"),
        pytest.param(Answer(stop=0, then="reset"), id="reset before the first byte"),
        pytest.param(Answer(announce=1000), id="more announced than sent"),
        *(pytest.param(Answer(status), id=str(status)) for status in (408, 429, 500, 502, 503, 504)),
    ],
)
def test_after_a_passing_fault_the_archive_comes_whole(case, answer):
    assert case.obtain(answer, Answer(503)) == OFFICIAL
    assert case.stored() == ["archives.json", "images.zip"] and not case.partial()
    assert case.pauses == [1, 2]


def test_a_server_that_stalls_is_broken_off_and_asked_for_the_rest(case):
    assert case.obtain(Answer(stop=AFTER, then="stall"), timeout=0.5) == OFFICIAL
    assert case.server.requests[1].range and not case.partial()


def test_a_server_that_stalls_before_the_first_byte_counts_as_a_fault(case):
    with pytest.raises(GrdError, match="Read timed out"):
        case.obtain(Answer(headers={"Content-Length": "5"}, stop=0, then="stall"), timeout=0.2, attempts=1)


def test_after_a_broken_transfer_the_rest_alone_is_asked_for_and_sent(case):
    assert case.obtain(BROKEN) == OFFICIAL
    assert case.sent() == [(None, AFTER), (f"bytes={AFTER}-", SIZE - AFTER)]


def test_the_next_call_asks_for_the_rest_alone(case):
    with pytest.raises(GrdError, match=f"{AFTER} bytes read.*rerun to resume the download, or get"):
        case.obtain(BROKEN, attempts=1)
    assert not case.stored() and len(case.partial()) == 2
    assert case.obtain() == OFFICIAL
    assert case.sent()[1] == (f"bytes={AFTER}-", SIZE - AFTER) and not case.partial()


def test_a_file_that_had_arrived_completely_is_not_sent_again(case):
    with pytest.raises(GrdError, match="rerun to resume the download"):
        case.obtain(Answer(announce=1000), attempts=1)
    assert case.obtain() == OFFICIAL
    assert case.sent()[1] == (f"bytes={SIZE}-", 0)


CALL = """
import sys
from pathlib import Path
from grd.config.datasets import Archive, Source
from grd.data.archives.acquisition import obtain
url, folder = sys.argv[1], Path(sys.argv[2])
obtain("bbbc039", Source(archives={"images.zip": Archive(url=url)}, split="archive"), folder / "data", folder / "inbox", False)
"""


def test_a_process_that_is_killed_leaves_a_part_with_which_the_next_goes_on(case):
    url = case.server.script(Answer(stop=AFTER, then="stall"))
    process = subprocess.Popen([sys.executable, "-c", CALL, url, str(case.folder)])
    until(lambda: arrived(case) == AFTER)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not case.stored() and case.obtain() == OFFICIAL
    assert case.sent()[1] == (f"bytes={AFTER}-", SIZE - AFTER) and not case.partial()


def arrived(case):
    """Bytes of the partial transfer. (Files that are being written beside it are hidden.)"""
    return sum(part.stat().st_size for part in (case.folder / "partial").glob("[!.]*.part"))


def until(holds):
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("nothing happened for a minute")


def test_a_server_that_ignores_ranges_gives_the_file_from_its_start(case):
    assert case.obtain(BROKEN, Answer(ranges=False)) == OFFICIAL
    assert case.sent()[1] == (f"bytes={AFTER}-", SIZE)


def rest(first, last=SIZE - 1):
    """An answer with other bytes, perhaps, than were asked for."""
    covered = {"Content-Range": f"bytes {first}-{last}/{SIZE}", "ETag": tag(OFFICIAL)}
    return Answer(206, headers=covered, body=OFFICIAL[first : last + 1])


def test_a_rest_that_begins_elsewhere_is_not_appended(case):
    assert case.obtain(BROKEN, rest(AFTER - 10), sha256=None) == OFFICIAL
    assert case.sent()[2] == (None, SIZE)


def test_a_rest_that_ends_early_is_gone_on_with(case):
    assert case.obtain(BROKEN, rest(AFTER, 2 * AFTER - 1)) == OFFICIAL
    assert case.sent()[2] == (f"bytes={2 * AFTER}-", SIZE - 2 * AFTER)


def test_a_part_that_is_longer_than_the_file_is_dropped(case):
    case.server.content = OFFICIAL + bytes(CHUNK)
    too_long = Answer(announce=1, headers={"ETag": tag(OFFICIAL)})
    assert case.obtain(too_long, Answer(change=OFFICIAL), sha256=None) == OFFICIAL


@pytest.mark.parametrize("validates", [True, False], ids=["which heeds If-Range", "which does not"])
def test_a_file_that_changes_on_the_server_is_taken_from_its_start(case, validates):
    case.server.content = OTHER
    assert case.obtain(BROKEN, Answer(change=OFFICIAL, validates=validates), sha256=None) == OFFICIAL
    assert case.server.requests[-1].sent == SIZE


def test_without_a_version_nothing_is_gone_on_with(case):
    assert case.obtain(Answer(stop=AFTER, named=False)) == OFFICIAL
    assert case.sent() == [(None, AFTER), (None, SIZE)]


def test_without_a_version_nothing_is_kept_or_promised(case):
    with pytest.raises(GrdError, match="; rerun, or get"):
        case.obtain(Answer(stop=AFTER, named=False), attempts=1)
    assert not case.partial()


def test_a_wrong_bit_in_a_part_makes_the_file_come_once_more_from_its_start(case):
    assert case.obtain(Answer(stop=AFTER, flip=1000)) == OFFICIAL
    assert [asked for asked, _ in case.sent()] == [None, f"bytes={AFTER}-", None]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *(pytest.param(Answer(status), f"HTTP {status}", id=str(status)) for status in (401, 403, 404, 410)),
        pytest.param(Answer(**PAGE), "a web page, perhaps to log in, instead of the file", id="login page"),
        pytest.param(Answer(flip=1000), "sha256 .* instead of", id="wrong bit"),
        pytest.param(Answer(announce=-1000), "sha256 .* instead of", id="less announced than there is"),
    ],
)
def test_a_lasting_fault_is_told_at_once_and_leaves_nothing(case, answer, reason):
    with pytest.raises(GrdError) as error:
        case.obtain(answer)
    told = rf"from {case.server.address}/images\.zip \({reason}.*\); rerun, or get the file in another way and place it in "
    error.match(rf"^bbbc039: could not download images\.zip {told}{case.folder / 'inbox'} under any name$")
    assert len(case.server.requests) == 1 and not case.pauses
    assert not case.stored() and not case.partial()


def test_a_lasting_fault_makes_a_part_worthless(case):
    with pytest.raises(GrdError, match="404"):
        case.obtain(BROKEN, Answer(404))
    assert not case.partial()


def test_an_archive_whose_official_digest_changed_is_downloaded_again(case):
    assert case.obtain(Answer(change=OFFICIAL)) == OFFICIAL
    assert case.obtain(Answer(body=OTHER), sha256=hashlib.sha256(OTHER).hexdigest()) == OTHER


def test_without_sha256_a_file_of_other_contents_is_refused(case):
    with pytest.raises(GrdError, match=r"\(no zip file holding images/\*\.tif\)"):
        case.obtain(Answer(body=b"no zip"), sha256=None)
    assert not case.stored() and not case.partial()


def test_pauses_double_up_to_the_longest(case):
    with pytest.raises(GrdError, match="HTTP 500"):
        case.obtain(*[Answer(500)] * 5, attempts=5, longest=5)
    assert case.pauses == [1, 2, 4, 5] and not case.partial()


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("3600", 60), ("soon", 1)])
def test_a_server_is_asked_again_when_it_wishes_but_not_later_than_the_longest_pause(case, asked, pause):
    assert case.obtain(Answer(429, headers={"Retry-After": asked}), longest=60) == OFFICIAL
    assert case.pauses == [pause]


def test_a_server_may_name_a_date(case):
    case.obtain(Answer(503, headers={"Retry-After": formatdate(time.time() + 1000, usegmt=True)}), longest=9000)
    assert 900 < case.pauses[0] <= 1000


def test_mirrors_are_tried_in_their_order_and_the_one_that_gave_the_file_is_recorded(case):
    names = ["/gone.zip", "/breaks.zip", "/good.zip", "/unneeded.zip"]
    scripts = [[Answer(404)], [BROKEN, Answer(500)], [], []]
    addresses = [case.server.script(*script, path=name) for name, script in zip(names, scripts, strict=True)]
    assert case.obtain_from(addresses, attempts=2) == OFFICIAL
    assert [request.path for request in case.server.requests] == ["/gone.zip", "/breaks.zip", "/breaks.zip", "/good.zip"]
    assert json.loads((case.folder / "data/archives.json").read_text())["images.zip"]["source"] == addresses[2]
    assert not case.partial()


def test_where_all_fail_each_address_is_named_with_its_fault(case):
    addresses = [
        case.server.script(Answer(403), path="/a"),
        case.server.script(Answer(**PAGE), path="/b"),
        "http://127.0.0.1:1/c",
    ]
    with pytest.raises(GrdError) as error:
        case.obtain_from(addresses, attempts=1)
    error.match(r"from \S+/a \(HTTP 403 Forbidden\), from \S+/b \(a web page[^)]*\), from \S+/c \(.*refused\); rerun, or get")


def test_what_another_process_has_got_meanwhile_is_taken(case, caplog):
    with lock_file(case.folder / "partial/bbbc039.lock"):
        got = []
        thread = threading.Thread(target=lambda: got.append(case.obtain()))
        thread.start()
        until(lambda: "waiting for it" in caplog.text)
        (case.folder / "data").mkdir()
        (case.folder / "data/images.zip").write_bytes(OFFICIAL)
        record_archive(case.folder / "data", "images.zip", "another process")
    thread.join()
    assert got == [OFFICIAL] and not case.server.requests


def test_where_nothing_can_be_written_that_is_told(case):
    (case.folder / "partial").write_text("a file, where a folder should be")
    with pytest.raises(
        GrdError, match=r"bbbc039: expected to write images\.zip.*partial.*free some space or give write permission"
    ):
        case.obtain()
