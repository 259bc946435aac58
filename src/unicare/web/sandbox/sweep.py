"""What workers that were killed have left: containers, images, folders in memory and on disk."""

from __future__ import annotations

from pathlib import Path

from unicare.web.sandbox.archive_writer import IMAGE_PREFIX
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.owner import PREFIX, is_left_over
from unicare.web.sandbox.places import remove_tree

__all__ = ["remove_leftovers"]


def remove_leftovers(engine: ContainerEngine, scratch: Path) -> int:
    """Removes what belongs to processes of this machine that are gone; how many things that were.

    To be called when a worker starts, and when one was seen to die. What other workers are at stays.

    Raises:
        ContainerError: something can't be removed.
    """
    removed = 0
    for name in engine.containers(PREFIX):
        if is_left_over(name):
            engine.remove(name)
            removed += 1
    for image in engine.images(IMAGE_PREFIX):
        if is_left_over(image.removeprefix(IMAGE_PREFIX).partition(":")[0]):
            engine.remove_image(image)
            removed += 1
    for folder in sorted(Path(scratch).glob(f"{PREFIX}*")):
        if is_left_over(folder.name):
            remove_tree(folder)
            removed += 1
    return removed
