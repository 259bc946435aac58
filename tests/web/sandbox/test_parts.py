"""Parts of the sandbox that need no engine: options, limits, counters, logs, watched folders, names."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.web.sandbox.fake import FakeEngine
from tests.web.sandbox.small import MIB, SMALL

from unicare.core.errors import ContainerError, SettingsError
from unicare.web.sandbox import places as places_module
from unicare.web.sandbox.archive_writer import IMAGE_PREFIX
from unicare.web.sandbox.collect import collect_output
from unicare.web.sandbox.engine import ContainerSpec
from unicare.web.sandbox.flags import DIALECTS, create_options
from unicare.web.sandbox.limits import Limits
from unicare.web.sandbox.log_tail import LogTail
from unicare.web.sandbox.owner import is_left_over, new_name
from unicare.web.sandbox.places import WatchedPlaces, remove_tree
from unicare.web.sandbox.run import Status, run_container
from unicare.web.sandbox.sweep import remove_leftovers
from unicare.web.sandbox.usage import Usage, UsageMeter


def spec(limits=SMALL, **changes):
    made = ContainerSpec("name", "image", Path("/in"), Path("/out"), Path("/t"), limits)
    return replace(made, **changes)


@pytest.mark.parametrize("command", sorted(DIALECTS))
def test_every_engine_is_given_what_holds_a_container(command):
    options = create_options(command, spec())
    for option in (
        "--network=none",
        "--read-only",
        "--user=65532:65532",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--pull=never",
        "--log-driver=none",
        "--pids-limit=32",
        f"--memory={SMALL.total_memory_bytes}",
        f"--memory-swap={SMALL.total_memory_bytes}",
        "--mount=type=bind,source=/in,destination=/input,readonly",
    ):
        assert option in options
    assert not any("gpu" in option or "privileged" in option.replace("privileges", "") for option in options)
    assert not any("seccomp" in option for option in options)  # so that the engine's own list holds
    assert "--security-opt=seccomp=/run/list.json" in create_options(command, spec(), Path("/run/list.json"))


def test_a_gpu_is_given_only_where_it_is_configured():
    limits = replace(SMALL, gpu="0")
    assert "--device=nvidia.com/gpu=0" in create_options("podman", spec(limits))
    assert "--gpus=device=0" in create_options("docker", spec(limits))
    assert "--gpus=all" in create_options("docker", spec(replace(SMALL, gpu="all")))


def test_without_a_folder_for_tmp_the_engine_makes_one_of_limited_size():
    assert any(
        option.startswith("--tmpfs=/tmp:") and f"size={MIB}" in option
        for option in create_options("docker", spec(tmp_dir=None))
    )


def test_a_path_that_would_read_as_another_option_is_refused():
    with pytest.raises(ContainerError, match="no comma"):
        create_options("podman", spec(input_dir=Path("/in,destination=/etc")))


def test_limits_are_read_from_a_challenge_and_nonsense_is_refused():
    limits = Limits.from_mapping({"seconds": 5, "gpu": "all"})
    assert (limits.seconds, limits.gpu, limits.pids) == (5, "all", Limits().pids)
    assert Limits.from_mapping(limits.as_dict()) == limits
    for given in ({"second": 5}, {"seconds": float("nan")}, {"pids": 0}, {"memory_bytes": "8g"}):
        with pytest.raises(SettingsError):
            Limits.from_mapping(given)
    with pytest.raises(SettingsError, match="gpu"):
        Limits(gpu="0,destination=x")


def test_the_end_of_a_log_is_kept_and_its_length_counted():
    program = "import sys; [print(f'line {n:06}') for n in range(100_000)]; print('end')"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        log = LogTail(process.stdout, 100)
        tail = log.finish()
    assert tail.endswith("line 099999\nend\n")
    assert tail.startswith("line 0")  # no half line
    assert len(tail) <= 100
    assert log.total_bytes == 12 * 100_000 + 4


@pytest.mark.parametrize("version", [1, 2])
def test_counters_are_found_in_both_versions_of_cgroups(tmp_path, version):
    names = {
        1: {
            "memory/c/memory.max_usage_in_bytes": "5000\n",
            "memory/c/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            "pids/c/pids.events": "max 7\n",
        },
        2: {
            "c/memory.peak": "5000\n",
            "c/memory.events": "low 0\noom 3\noom_kill 2\n",
            "c/pids.events": "max 7\n",
        },
    }[version]
    lines = {1: "4:memory:/c\n8:pids:/c\n0::/\n", 2: "0::/c\n"}[version]
    for name, text in {**{f"cg/{key}": text for key, text in names.items()}, "proc/12/cgroup": lines}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    usage = Usage()
    UsageMeter(12, tmp_path / "cg", tmp_path / "proc").read(usage)
    assert (usage.peak_memory_bytes, usage.memory_kills, usage.process_refusals) == (5000, 2, 7)


def test_the_whole_machines_counters_are_no_containers(tmp_path):
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "cgroup").write_text("0::/\n")
    (tmp_path / "memory.peak").write_text("1\n")
    usage = Usage()
    UsageMeter(12, tmp_path, tmp_path).read(usage)
    assert usage == Usage()


def test_a_watched_folder_is_judged_by_its_size_and_its_number_of_entries(tmp_path):
    place = WatchedPlaces(tmp_path, replace(SMALL, output_bytes=100_000, output_files=5))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(bytes(50_000))
    (tmp_path / "link").symlink_to("/")
    assert place.overfull() is None
    (tmp_path / "deep" / "b").write_bytes(bytes(60_000))
    assert place.overfull() == "it wrote more than 0.1 MB to /output"
    (tmp_path / "deep" / "b").unlink()
    for number in range(3):
        (tmp_path / str(number)).touch()
    assert place.overfull() == "it made more than 5 files and folders in /output"


def test_folders_without_end_are_seen_and_removed(tmp_path):
    (tmp_path / "run").mkdir()
    place = WatchedPlaces(tmp_path / "run", replace(SMALL, output_bytes=2**30, output_files=10_000))
    at = os.open(tmp_path / "run", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    assert place.overfull() == "it made folders within folders without end in /output"
    remove_tree(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_without_root_a_container_that_writes_too_much_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(places_module, "_mount", lambda *_: False)
    (tmp_path / "in").mkdir()
    program = """
import sys, time
with open(sys.argv[2] + "/a_pred.nii.gz", "wb") as file:
    file.write(bytes(5_000_000)); file.flush(); time.sleep(60)
"""
    engine = FakeEngine(program)
    run = run_container(
        engine, "image", tmp_path / "in", tmp_path, ("a_pred.nii.gz",), SMALL, scratch=tmp_path
    )
    assert run.status is Status.OUTPUT_LIMIT
    assert run.collected == ()
    assert "it wrote more than" in run.violations[0]
    assert "over the limit" in run.violations[-1]
    assert engine.containers("") == []


def test_an_input_that_a_containers_user_cannot_read_is_the_hosts_fault(tmp_path):
    (tmp_path / "in").mkdir(mode=0o700)
    with pytest.raises(ContainerError, match="chmod -R"):
        run_container(FakeEngine(), "image", tmp_path / "in", tmp_path, (), SMALL, scratch=tmp_path)


def test_what_is_collected_together_stays_within_the_limit(tmp_path):
    place, target = tmp_path / "place", tmp_path / "target"
    place.mkdir()
    target.mkdir()
    for name in "abc":
        (place / name).write_bytes(bytes(40))
    found = collect_output(place, "abc", target, replace(SMALL, output_bytes=4096))
    assert found.names == ("a", "b", "c")
    (place / "b").write_bytes(bytes(4070))
    found = collect_output(place, "abc", target, replace(SMALL, output_bytes=4096))
    assert found.names == ("a", "c")
    assert "over the limit" in found.refused["b"]
    os.truncate(place / "c", 2**40)  # a file of holes takes no room, but would when it is copied
    assert "over the limit" in collect_output(place, "c", target, SMALL).refused["c"]
    assert sorted(path.name for path in target.iterdir()) == ["a", "b", "c"]


def test_names_tell_whose_things_are_and_whether_that_process_is_gone():
    script = "from unicare.web.sandbox.owner import new_name; print(new_name())"
    theirs = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert is_left_over(theirs.stdout.strip())
    assert not is_left_over(new_name())
    assert not is_left_over("unicare-run-of-somebody")
    assert new_name() != new_name()


def test_leftovers_of_others_are_removed_and_ones_own_stay(tmp_path):
    script = "from unicare.web.sandbox.owner import new_name; print(new_name())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    theirs, mine = done.stdout.strip(), new_name()
    engine = FakeEngine()
    for name in (theirs, mine):
        (tmp_path / name / "output").mkdir(parents=True)
        engine.loaded.append(f"{IMAGE_PREFIX}{name}:run")
    assert remove_leftovers(engine, tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == [mine]
    assert engine.loaded == [f"{IMAGE_PREFIX}{mine}:run"]
