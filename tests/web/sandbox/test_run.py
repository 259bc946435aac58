"""Containers that do their work, and containers that mean harm: each is held, each is told of clearly."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.web.sandbox.archives import configuration, docker_archive, entry, folder, tar
from tests.web.sandbox.small import SMALL
from tests.web.waiting import until

from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.owner import PREFIX
from unicare.web.sandbox.run import Status, run_container
from unicare.web.sandbox.sweep import remove_leftovers


@pytest.fixture(autouse=True)
def nothing_is_left(real_engine, scratch):
    """After every run: no container, no folder, nothing mounted of this process's."""
    yield
    mine = f"-{os.getpid()}-"
    assert [name for name in real_engine.containers(PREFIX) if mine in name] == []
    assert list(scratch.iterdir()) == []
    assert str(scratch) not in Path("/proc/mounts").read_text()
    assert not Path("oom").exists()


def test_what_it_is_given_is_read_and_what_it_writes_comes_back(run_script):
    run, output = run_script(
        "cat /input/do.sh > /output/a_pred.nii.gz; echo done; exit 0", ("a_pred.nii.gz",)
    )
    assert (run.status, run.exit_code, run.violations) == (Status.COMPLETED, 0, ())
    assert run.collected == ("a_pred.nii.gz",)
    assert (output / "a_pred.nii.gz").read_text().startswith("cat /input/do.sh")
    assert run.log_tail == "done\n"


def test_a_program_that_fails_says_so_and_the_next_run_goes_on(run_script):
    run, _ = run_script("echo it broke >&2; exit 3")
    assert (run.status, run.exit_code) == (Status.FAILED, 3)
    assert "it broke" in run.log_tail
    assert "exit code 3" in run.message(SMALL)
    silent, output = run_script("exit 0", ("a_pred.nii.gz",))
    assert (silent.status, silent.collected, silent.violations) == (Status.COMPLETED, (), ())
    assert list(output.iterdir()) == []


def test_it_has_no_privilege_no_name_of_the_host_and_no_variable_of_ours(run_script, monkeypatch):
    monkeypatch.setenv("UNICARE_SECRET", "swordfish")
    run, _ = run_script(
        "id -u; id -g; cat /proc/self/status /proc/sys/kernel/hostname; env", log_bytes=20_000
    )
    said = run.log_tail.splitlines()
    assert said[0] == said[1] == "65532"
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in said
    assert "sandbox" in said
    assert socket.gethostname() not in said
    assert "swordfish" not in run.log_tail


def test_only_output_tmp_and_shared_memory_can_be_written_to(run_script):
    script = """
    find / \\( -path /proc -o -path /sys \\) -prune -o -type d -print | while read place; do
        touch "$place/it" 2>/dev/null && echo "$place"
    done
    for file in /etc/passwd /etc/hosts /etc/hostname /input/do.sh /bin/busybox; do
        (echo x >> $file) 2>/dev/null && echo "$file"
    done
    mkdir /root/x; mount -t tmpfs none /tmp; exit 0
    """
    run, _ = run_script(script)
    written = {line for line in run.log_tail.splitlines() if line.startswith("/")}
    assert {"/output", "/tmp"} <= written <= {"/output", "/tmp", "/dev/shm", "/dev/mqueue"}
    assert "mkdir: can't create directory" in run.log_tail
    assert "mount: " in run.log_tail


def test_the_truth_lies_nowhere(run_script, tmp_path):
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "hidden-truth.nii.gz").write_text("xyzzy-truth")
    script = """
    exec 2>/dev/null
    ls /input/../truth /truth /proc/1/root/truth; find / -name '*truth*'
    grep -rl xyzzy-tru[t]h /input /output /tmp /etc /dev/shm /run; echo looked
    """
    run, _ = run_script(script)
    assert run.log_tail.endswith("looked\n")
    assert "hidden-truth" not in run.log_tail


def test_there_is_no_network(run_script):
    with socket.create_server(("0.0.0.0", 0)) as listening:
        listening.settimeout(0.1)
        port = listening.getsockname()[1]
        run, _ = run_script(
            f"exec 2>/dev/null; grep -c : /proc/net/dev; nc -w 2 127.0.0.1 {port} </dev/null && echo reached;"
            "nc -w 2 1.1.1.1 53 </dev/null && echo reached; exit 0"
        )
        with pytest.raises(TimeoutError):
            listening.accept()
    assert run.log_tail.startswith("1\n")  # the loopback alone
    assert "reached" not in run.log_tail


def test_one_that_forks_is_held_at_its_number_of_processes(run_script):
    # what waits needs no further process, so that it is there to be counted when the others get none
    run, _ = run_script("bomb() { bomb | bomb & }; bomb & exec sleep 60", seconds=10.0)
    assert run.status in (Status.OUT_OF_TIME, Status.FAILED)
    assert "it tried to have more than 32 processes and threads" in run.violations


def test_one_that_fills_its_places_is_refused_more(run_script):
    script = """
    dd if=/dev/zero of=/output/big_pred.nii.gz bs=1M count=50
    dd if=/dev/zero of=/tmp/big bs=1M count=50; dd if=/dev/zero of=/dev/shm/big bs=1M count=50; exit 0
    """
    run, output = run_script(script, ("big_pred.nii.gz",))
    assert run.violations == ("it filled /output (2.09715 MB)", "it filled /tmp (1.04858 MB)")
    assert (output / "big_pred.nii.gz").stat().st_size <= SMALL.output_bytes
    assert run.log_tail.count("No space left") == 3


def test_one_that_writes_files_without_end_is_refused_more(run_script):
    run, _ = run_script(
        "exec 2>/dev/null; i=0; while echo >/output/$i; do i=$((i+1)); done; ls /output | wc -l"
    )
    assert "it made as many files as /output takes (64)" in run.violations
    assert run.log_tail.splitlines()[-1].strip() == "64"


def test_one_that_sleeps_and_ignores_signals_is_killed_with_its_children(run_script):
    script = "trap '' TERM INT HUP; echo 1 >/output/a_pred.nii.gz; sleep 600 & sleep 600 & sleep 600"
    run, _ = run_script(script, ("a_pred.nii.gz",), seconds=10.0)
    assert (run.status, run.collected) == (Status.OUT_OF_TIME, ("a_pred.nii.gz",))
    assert run.exit_code is None
    assert "longer than 30 s" in run.message(SMALL)


def test_one_that_prints_without_end_fills_nothing(run_script):
    run, _ = run_script("yes 'all work and no play'", seconds=8.0)
    assert run.status is Status.OUT_OF_TIME
    assert run.printed_bytes > 1_000_000
    assert 0 < len(run.log_tail) <= SMALL.log_bytes
    assert run.log_tail.startswith("all work")
    assert any("only the last 4 kB are kept" in one for one in run.violations)


@pytest.mark.parametrize("script", ["exec {}", "{}; sleep 3; exit 9"], ids=["itself", "its child"])
def test_one_that_needs_too_much_memory_is_ended(run_script, script):
    run, _ = run_script(script.format("dd if=/dev/zero of=/dev/null bs=400M count=1"))
    assert (run.status, run.exit_code) == (Status.OUT_OF_MEMORY, None)
    assert "more memory than the 48 MiB" in run.message(SMALL)


def test_a_child_that_needs_too_much_memory_at_the_very_end_is_no_success(run_script):
    run, _ = run_script("dd if=/dev/zero of=/dev/null bs=400M count=1; exit 9")
    # the kernel's counters go with the container, so podman's monitor and we may both come too late
    assert (run.status, run.exit_code) in ((Status.OUT_OF_MEMORY, None), (Status.FAILED, 9))


def test_links_pipes_devices_and_folders_are_not_taken_for_files(run_script):
    script = """
    cd /output
    ln -s /etc/passwd link_pred.nii.gz; ln -s /output/good_pred.nii.gz inner_pred.nii.gz
    mkfifo pipe_pred.nii.gz; mknod device_pred.nii.gz c 1 3; mkdir folder_pred.nii.gz
    echo twice > hard; ln hard hard_pred.nii.gz; ln -s / root; echo good > good_pred.nii.gz; exit 0
    """
    names = tuple(
        f"{name}_pred.nii.gz"
        for name in ("link", "inner", "pipe", "device", "folder", "hard", "good", "none")
    )
    run, output = run_script(script, names)
    assert run.collected == ("good_pred.nii.gz",)
    assert [path.name for path in output.iterdir()] == ["good_pred.nii.gz"]
    told = " ".join(run.violations)
    for what in (
        "link_pred.nii.gz is a symbolic link",
        "inner_pred.nii.gz is a symbolic link",
        "a named pipe",
    ):
        assert what in told
    assert "folder_pred.nii.gz is a folder" in told
    assert "hard_pred.nii.gz is a file with several names" in told
    assert "mknod: " in run.log_tail


@pytest.mark.parametrize(
    "config", [{"Entrypoint": ["/no/such/program"]}, {"Cmd": ["/it"]}, {"Cmd": ["/etc"], "WorkingDir": "/it"}]
)
def test_an_image_that_cannot_be_started_is_no_fault_of_the_engine(real_engine, scratch, tmp_path, config):
    tmp_path.chmod(0o755)
    layer = tar(folder("etc"), entry("it", b"neither a program nor a folder", mode=0o755))
    (tmp_path / "image.tar").write_bytes(docker_archive([layer], configuration([layer], **config)))
    with loaded_image(real_engine, tmp_path / "image.tar", scratch=scratch) as image:
        run = run_container(real_engine, image, tmp_path, tmp_path, (), SMALL, scratch=scratch)
    assert run.status is Status.NOT_STARTED
    assert "could not be started" in run.message(SMALL)


def test_what_a_killed_worker_leaves_is_found_and_removed(
    real_engine, shell_image, scratch, tmp_path, shell_archive
):
    tmp_path.chmod(0o755)
    (tmp_path / "do.sh").write_text("echo started; sleep 600")
    program = f"""
import sys
from pathlib import Path
from tests.web.sandbox.small import SMALL
from unicare.web.sandbox.command_engine import CommandEngine
from unicare.web.sandbox.run import run_container
place = Path({str(tmp_path)!r})
engine = CommandEngine({real_engine.name!r}, {real_engine.runtime!r})
run_container(engine, {shell_image!r}, place, place, (), SMALL, scratch=Path({str(scratch)!r}))
"""
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[3], env=os.environ)
    theirs = f"-{worker.pid}-"

    def left():
        """Containers and folders: others may clear up at the same time, but have none of these."""
        places = (place.name for place in scratch.iterdir())
        return [name for name in (*real_engine.containers(PREFIX), *places) if theirs in name]

    def runs():
        assert worker.poll() is None
        return any(
            theirs in name and real_engine.inspect(name).pid for name in real_engine.containers(PREFIX)
        )

    until(runs, every_s=0.1)
    before = left()
    remove_leftovers(real_engine, scratch)
    assert left() == before  # their owner is at work
    assert len(before) == 2
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    remove_leftovers(real_engine, scratch)
    assert left() == []


def test_no_engine_is_said_with_what_to_install(monkeypatch, tmp_path):
    from unicare.core.errors import ContainerError
    from unicare.web.sandbox.probe import find_engine

    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("podman") is None
    with pytest.raises(ContainerError, match="apt-get install podman runc"):
        find_engine(scratch=tmp_path)
