"""Batches that depend on the seed and their number only, made here or in worker processes."""

from __future__ import annotations

import itertools
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

__all__ = ["EpisodeStream", "episode_batches", "seed_everything"]

MakeBatch = Callable[[np.random.Generator], Any]


class EpisodeStream(IterableDataset[Any]):
    """Endless batches; worker w of W makes numbers first + w, first + w + W, and so on.

    A DataLoader takes from its workers in turn, so that batches come out in order whatever W is.

    Args:
        make: makes one batch from a random generator (and nothing else that changes).
        first: number of the first batch.
        seed: seed of the run; batch i gets `SeedSequence([seed, i])`.
    """

    def __init__(self, make: MakeBatch, first: int, seed: int) -> None:
        super().__init__()
        self.make = make
        self.first = first
        self.seed = seed

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        offset, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for number in itertools.count(self.first + offset, stride):
            yield self.make(seed_everything(self.seed, number))


def episode_batches(
    make: MakeBatch, first: int, seed: int, workers: int = 0, prefetch: int = 2
) -> Iterator[Any]:
    """Batch `first`, `first` + 1, … of a run, with arrays turned into tensors.

    Args:
        make: makes one batch from a random generator; has to be picklable where processes are spawned.
        first: number of the first batch.
        seed: seed of the run.
        workers: processes that make batches ahead; 0 makes them here.
        prefetch: batches that each worker makes ahead.
    """
    loader: DataLoader[Any] = DataLoader(
        EpisodeStream(make, first, seed),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        worker_init_fn=_quiet_worker if workers else None,
        pin_memory=torch.cuda.is_available(),
    )
    return iter(loader)


def seed_everything(seed: int, number: int, stream: int = 0) -> np.random.Generator:
    """Seed torch, numpy and random from a run's seed and a step's number, and give a generator of its own.

    Args:
        seed: seed of the run.
        number: number of the batch or step.
        stream: 0 for batches, another number for a use that must be independent of them.
    """
    sequence = np.random.SeedSequence([seed, number, stream] if stream else [seed, number])
    words = sequence.generate_state(3, np.uint64)
    torch.manual_seed(int(words[0]) >> 1)
    np.random.seed(int(words[1]) & 0xFFFFFFFF)
    random.seed(int(words[2]))
    return np.random.default_rng(sequence)


def _quiet_worker(_worker: int) -> None:
    # Ctrl-C reaches the whole process group; the loop decides what it means and ends its workers, which must
    # not inherit the loop's own way of putting off SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
