"""What containers of tests are made of, and how little they may take."""

from pathlib import Path

from unicare.web.sandbox.limits import Limits

BUSYBOX = Path("/bin/busybox")
MIB = 1024**2

SMALL = Limits(
    memory_bytes=48 * MIB,
    cpus=1.0,
    pids=32,
    seconds=30.0,
    output_bytes=2 * MIB,
    output_files=64,
    log_bytes=4000,
    tmp_bytes=MIB,
    shm_bytes=MIB,
)


def no_busybox() -> str:
    """Why no image can be made of the machine's shell; empty if one can."""
    if BUSYBOX.is_file() and b"/ld-" not in BUSYBOX.read_bytes()[:4096]:
        return ""
    return f"no static {BUSYBOX} to make an image of; on Debian: apt-get install busybox-static"
