"""Image archives: honest ones of every make, damaged ones, and such as are meant to do harm."""

import gzip
import io
import json
import tarfile

import pytest
from tests.web.sandbox.archives import (
    configuration,
    digest,
    docker_archive,
    entry,
    folder,
    link,
    oci_archive,
    tar,
)
from tests.web.sandbox.fake import FakeEngine

from unicare.core.errors import ContainerError, SubmissionError
from unicare.web.interrupt import InterruptedWorkError
from unicare.web.sandbox.archive_writer import IMAGE_PREFIX
from unicare.web.sandbox.images import ImageLimits
from unicare.web.sandbox.intake import check_archive, loaded_image

BASE = tar(folder("bin"), entry("bin/sh", b"#!" * 500, mode=0o755), link("bin/cat", "sh"))
TOP = tar(folder("model"), entry("model/weights", bytes(3000)))


@pytest.fixture
def check(tmp_path):
    def check(data, **limits):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        path = tmp_path / "image.tar"
        path.write_bytes(data)
        facts = check_archive(path, scratch=tmp_path / "scratch", limits=ImageLimits(**limits))
        assert list((tmp_path / "scratch").iterdir()) == []
        return facts

    return check


class Looking(FakeEngine):
    """Keeps what it was told to load."""

    def load(self, archive, image, interrupted=None):
        super().load(archive, image)
        with tarfile.open(archive) as file:
            self.files = {member.name: file.extractfile(member).read() for member in file}


def load(path, tmp_path):
    (tmp_path / "scratch").mkdir(exist_ok=True)
    engine = Looking()
    with loaded_image(engine, path, scratch=tmp_path / "scratch") as image:
        assert engine.loaded == [image]
    assert engine.loaded == []
    return engine.files, image


@pytest.mark.parametrize(
    "data",
    [
        docker_archive([BASE, TOP]),
        gzip.compress(docker_archive([BASE, TOP])),
        oci_archive([BASE, TOP], [BASE, TOP]),
        oci_archive([BASE, TOP], [gzip.compress(BASE), gzip.compress(TOP)]),
    ],
    ids=["docker", "docker, gzip", "OCI", "OCI, layers of gzip"],
)
def test_archives_of_every_make_are_read(check, data):
    facts = check(data)
    assert (facts.layers, facts.entries, facts.unpacked_bytes) == (2, 5, len(BASE) + len(TOP))


def test_what_is_loaded_has_the_same_layers_and_nothing_else_of_the_upload(tmp_path):
    hostile = configuration(
        [BASE, TOP],
        Entrypoint=["/bin/sh"],
        Cmd=["run"],
        Env=["A=b"],
        WorkingDir="/model",
        User="root",
        Volumes={"/data": {}},
        Healthcheck={"Test": ["CMD", "/bin/sh"]},
        Labels={"io.podman.annotations.seccomp": "unconfined"},
    )
    path = tmp_path / "image.tar"
    extra = (link("evil", "/etc/passwd"), entry("repositories", b'{"x": 1}'))
    path.write_bytes(docker_archive([BASE, TOP], hostile, tags=["localhost/unicare:latest"], more=extra))
    files, image = load(path, tmp_path)
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest["RepoTags"] == [image]
    assert image.startswith(IMAGE_PREFIX)
    assert [files[name] for name in manifest["Layers"]] == [BASE, TOP]
    config = json.loads(files[manifest["Config"]])
    assert config["config"] == {
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["run"],
        "Env": ["A=b"],
        "WorkingDir": "/model",
        "Labels": {"unicare.image": image},
    }
    assert set(files) == {"0.tar", "1.tar", manifest["Config"], "manifest.json"}


def test_layers_that_are_links_within_the_archive_are_followed(check):
    """As ``docker save`` of old writes a layer that comes twice."""
    names = ["one/layer.tar", "two/layer.tar"]
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": names}]
    data = tar(
        entry(names[0], BASE),
        link(names[1], "../one/layer.tar"),
        entry("config.json", json.dumps(configuration([BASE, BASE])).encode()),
        entry("manifest.json", json.dumps(manifest).encode()),
    )
    assert check(data).layers == 2


def _config(**changes):
    return {**configuration([BASE]), **changes}


def _bad_checksum():
    data = bytearray(docker_archive([BASE]))
    data[0] ^= 1
    return bytes(data)


def _huge_header():
    info = tarfile.TarInfo("x")
    info.size, info.type = 2**31, tarfile.XHDTYPE
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)


def _sparse():
    info, data = entry("model/weights", bytes(10))
    info.pax_headers = {"GNU.sparse.realsize": str(2**40)}
    return tar((info, data), format=tarfile.PAX_FORMAT)


def _extended(*headers):
    """An entry with several extended headers before it; Python writes one at most."""
    blocks = b""
    for kind, text in headers:
        info = tarfile.TarInfo("x")
        info.size, info.type = len(text), kind
        blocks += info.tobuf(tarfile.GNU_FORMAT) + text + bytes(-len(text) % 512)
    return blocks + tar(entry("x", b"x"))


PATH_A, PATH_B = b"10 path=a\n", b"10 path=b\n"
LONG_NAMES = tuple(entry(f"{number:04}" + "n" * 3900) for number in range(1100))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no image in it"),
        (b"no tar file" * 200, "is this a tar archive"),
        (_bad_checksum(), "checksum is wrong"),
        (docker_archive([BASE])[:1500], "cut off"),
        (gzip.compress(docker_archive([BASE]))[:-30], "gzip stream is damaged"),
        (_huge_header(), "extended header is too long"),
        (_extended((b"x", PATH_A), (b"x", PATH_B)), "several extended headers"),
        (_extended((b"x", PATH_A), (b"L", b"b")), "several extended headers"),
        (_extended((b"L", b"a"), (b"K", b"b"), (b"L", b"c")), "several extended headers"),
        (_extended((b"x", b"8 path=a\n")), "extended header can't be read"),
        (_extended((b"x", PATH_A)), "neither manifest.json nor index.json"),
        (tar(entry("n" * 5000), format=tarfile.PAX_FORMAT), "name is too long"),
        (tar(link("x", "n" * 5000)), "name is too long"),
        (tar(*LONG_NAMES), "names are too long"),
        (tar(entry("readme", b"hello")), "neither manifest.json nor index.json"),
        (tar(entry("../../etc/cron.d/x", b"x")), "leads out of it"),
        (tar(entry("/etc/passwd", b"x")), "leads out of it"),
        (tar(entry("manifest.json", b"[" * 100_000)), "is no JSON"),
        (tar(entry("manifest.json", b"[{}, {}]")), "not one image"),
        (tar(entry("manifest.json", b'[{"Config": 3}]')), "manifest is damaged"),
        (tar(link("manifest.json", "/etc/passwd")), "a file is missing"),
        (tar(link("manifest.json", "manifest.json")), "a file is missing"),
        (docker_archive([BASE], _config(architecture="s390x")), "made for another machine"),
        (docker_archive([BASE], _config(os="windows")), "made for another machine"),
        (docker_archive([BASE], _config(config={})), "which program to start"),
        (docker_archive([BASE], _config(config={"Cmd": "sh"})), "Cmd of the image"),
        (docker_archive([BASE], _config(config={"Cmd": ["sh"], "Env": ["=x"]})), "impossible variable"),
        (docker_archive([BASE], _config(config={"Cmd": ["/proc/self/exe"]})), "impossible program"),
        (docker_archive([BASE], _config(config={"Cmd": [""]})), "impossible program"),
        (
            docker_archive([BASE], _config(config={"Cmd": ["sh"], "WorkingDir": "/proc/self/fd/7"})),
            "impossible WORKDIR",
        ),
        (
            docker_archive([BASE], _config(config={"Cmd": ["sh"], "WorkingDir": "/a/../../b"})),
            "impossible WORKDIR",
        ),
        (docker_archive([BASE], _config(rootfs={})), "configuration is damaged"),
        (docker_archive([BASE], configuration([BASE, TOP])), "layers are missing"),
        (docker_archive([BASE], configuration([TOP])), "a layer is damaged"),
        (docker_archive([tar(entry("../up", b"x"))]), "a layer's entry leads out"),
        (docker_archive([tar(link("x", "../../up", tarfile.LNKTYPE))]), "a layer's entry leads out"),
        (docker_archive([_sparse()]), "sparse files"),
        (docker_archive([tar(entry("x", type=b"S"))]), "unusual kind"),
        (oci_archive([BASE], [b"\x28\xb5\x2f\xfd" + bytes(100)]), "compressed with zstd"),
        (oci_archive([BASE], [gzip.compress(BASE)[:-20]]), "gzip stream is damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(check, data, words):
    with pytest.raises(SubmissionError, match=words) as refusal:
        check(data)
    assert "/tmp" not in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_bomb_of_zeros_is_stopped_at_the_limit(check):
    bomb = tar(entry("zeros", bytes(20_000_000)))
    data = oci_archive([bomb], [gzip.compress(bomb)])
    assert len(data) < 100_000
    with pytest.raises(SubmissionError, match="the image is too large"):
        check(data, unpacked_bytes=1_000_000)
    with pytest.raises(SubmissionError, match="too large"):
        check(gzip.compress(docker_archive([bomb])), unpacked_bytes=1_000_000)


def test_entries_layers_and_bytes_are_counted(check):
    many = tar(*(folder(str(number)) for number in range(100)))
    with pytest.raises(SubmissionError, match="too many entries"):
        check(docker_archive([many]), entries=99)
    assert check(docker_archive([many]), entries=100).entries == 100
    with pytest.raises(SubmissionError, match="too many layers"):
        check(docker_archive([BASE, TOP]), layers=1)
    with pytest.raises(SubmissionError, match="too large"):
        check(docker_archive([BASE]), archive_bytes=1000)


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_and_links_are_read_as_python_writes_them(check, format):
    name = "/".join(["folder" * 8] * 4)
    assert check(docker_archive([tar(entry(name, b"x"), format=format)])).entries == 1
    if format != tarfile.USTAR_FORMAT:
        up = "/".join(["folder" * 8] * 6) + "/../../../../../../../../up"
        with pytest.raises(SubmissionError, match="leads out"):
            check(docker_archive([tar(entry(up, b"x"), format=format)]))


def test_it_is_looked_through_no_longer_than_it_is_wanted(tmp_path):
    path = tmp_path / "image.tar"
    path.write_bytes(tar(*(entry(str(number)) for number in range(100))))
    asked = []

    def interrupted():
        asked.append(True)
        return len(asked) == 50

    with (
        pytest.raises(InterruptedWorkError),
        loaded_image(FakeEngine(), path, scratch=tmp_path, interrupted=interrupted),
    ):
        pass
    assert len(asked) == 50


def test_no_room_is_the_hosts_fault(tmp_path):
    class Full(FakeEngine):
        def free_bytes(self):
            return 0

    (tmp_path / "image.tar").write_bytes(docker_archive([BASE]))
    engine = Full()
    with (
        pytest.raises(ContainerError, match="no room for an image"),
        loaded_image(engine, tmp_path / "image.tar", scratch=tmp_path),
    ):
        pass
    assert engine.loaded == []


def test_an_image_is_removed_when_its_use_fails(tmp_path):
    (tmp_path / "image.tar").write_bytes(docker_archive([BASE]))
    engine = FakeEngine()
    with (
        pytest.raises(KeyError),
        loaded_image(engine, tmp_path / "image.tar", scratch=tmp_path),
    ):
        raise KeyError
    assert engine.loaded == []
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


def test_names_of_layers_are_digests_of_what_they_hold():
    """Holds the helper: an archive of podman's names its layers so."""
    with tarfile.open(fileobj=io.BytesIO(docker_archive([BASE]))) as file:
        assert f"{digest(BASE)}.tar" in file.getnames()
