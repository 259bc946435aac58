"""Whatever turns an input folder into predictions: unicare itself, the ellipse, any program."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path
from typing import Protocol

from unicare import __version__
from unicare.core.errors import SettingsError, UnicareError

__all__ = ["CommandPredictor", "EllipsePredictor", "Predictor", "UnicarePredictor"]

_TAIL_CHARACTERS = 300


class Predictor(Protocol):
    """Reads ``images/`` and ``prompts.json`` of a folder, writes ``<case>_pred.nii.gz`` into another.

    Attributes:
        name: what tables and charts call it.
        identity: changes when its answers may.
    """

    name: str
    identity: str

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        """Predicts every case that it can; the output folder exists.

        Returns:
            One sentence about what went wrong, or None. Cases without a prediction count as empty.
        """
        ...


class UnicarePredictor:
    """``unicare predict`` in this process.

    Args:
        weights: a safetensors file; None for the shipped one.
        device: ``auto``, ``cpu`` or ``cuda``.
        workers: processes that work on cases at the same time.

    Raises:
        WeightsError: the weights can't be found.
    """

    def __init__(self, weights: Path | None = None, device: str = "auto", workers: int = 1) -> None:
        from unicare.models.weights import shipped_weights, weights_sha256

        self.name = "unicare" if weights is None else weights.name
        self.identity = f"unicare {__version__} {weights_sha256(weights or shipped_weights())}"
        self._weights, self._device, self._workers = weights, device, workers

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        """See ``Predictor``."""
        from unicare.infer.batch import BatchSettings, predict_folder

        settings = BatchSettings(weights=self._weights, device=self._device, workers=self._workers)
        errors = predict_folder(input_dir, output_dir, settings).errors
        return f"{len(errors)} cases failed: {next(iter(errors.values()))}" if errors else None


class EllipsePredictor:
    """The ellipse in every box, which never looks at the image."""

    name = "ellipse"
    identity = "ellipse 1"

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        """See ``Predictor``."""
        from unicare.data.layouts.flat import list_cases, read_case
        from unicare.models.baselines import EllipseSegmenter
        from unicare.prompts.axes import fit_to_volume
        from unicare.prompts.check import PROMPTS_FILE
        from unicare.prompts.contract import read_prompts

        prompts, _ = read_prompts(input_dir / PROMPTS_FILE)
        failed: list[str] = []
        for name, files in list_cases(input_dir, prompts).items():
            try:
                case = read_case(name, files)
                fitted = fit_to_volume(prompts[name], case.reference)
                EllipseSegmenter().segment(case, fitted).save(output_dir / f"{name}_pred.nii.gz")
            except UnicareError as error:
                failed.append(str(error))
        return f"{len(failed)} cases failed: {failed[0]}" if failed else None


class CommandPredictor:
    """Any program, run once for every condition; no shell in between.

    Args:
        command: its words, among them ``{input}`` and ``{output}``, which become the folders' paths.

    Raises:
        SettingsError: the words can't be told apart, or the folders aren't among them.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingsError(
                "--command", found=f"{command}: {error}", expected="quotes in pairs"
            ) from None
        if "{input}" not in command or "{output}" not in command:
            raise SettingsError(
                "--command", found=command, expected="the words {input} and {output} for the folders"
            )
        self.name = Path(self._words[0]).name
        self.identity = f"command {hashlib.sha256(command.encode()).hexdigest()}"

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        """See ``Predictor``. A program that ends with another code than 0 is told of, and is no error."""
        folders = {"{input}": str(input_dir.resolve()), "{output}": str(output_dir.resolve())}
        words = [_replaced(word, folders) for word in self._words]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise SettingsError(
                "--command can't be run",
                found=f"{words[0]}: {error.strerror or error}",
                expected="a program of this machine",
            ) from None
        if done.returncode == 0:
            return None
        said = " ".join(done.stderr.split())[-_TAIL_CHARACTERS:] or "nothing"
        return f"the command ended with code {done.returncode} and said: {said}"


def _replaced(word: str, folders: dict[str, str]) -> str:
    for stand_in, folder in folders.items():
        word = word.replace(stand_in, folder)
    return word
