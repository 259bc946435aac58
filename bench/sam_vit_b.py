"""SAM ViT-B asked about the same case, slice by slice; `speed.py` runs it as a process of its own.

    python bench/sam_vit_b.py CASE_FOLDER CASE --slices 6 --precision float32

Random weights: the arithmetic is the same. One embedding a slice at 1024², then all boxes of the slice in one
call of the decoder, then the masks back at the slice's own size, as SAM's own code does it. Prints the
seconds of every slice as JSON; the first is a warm-up.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from made_cases import read_made
from numpy.typing import NDArray
from transformers import SamConfig, SamModel

from unicare.core.prompt import CasePrompts
from unicare.data.nifti import save_labels

SIDE = 1024


def answer(
    model: SamModel, image: NDArray[np.float32], prompts: CasePrompts, index: int
) -> NDArray[np.int32]:
    """Labels (H, W) of one slice."""
    asked = [(label, one.box) for label, one in (prompts.slices[index] or {}).items() if one.box]
    scale = np.array([SIDE / image.shape[1], SIDE / image.shape[0]] * 2)
    boxes = np.array([(box.y0, box.x0, box.y1, box.x1) for _, box in asked]) * scale
    pixels = torch.from_numpy((image - image.mean()) / max(float(image.std()), 1e-3))[None, None]
    pixels = torch.nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear").expand(1, 3, SIDE, SIDE)
    embedding = model.get_image_embeddings(pixels)
    found = model(
        image_embeddings=embedding,
        input_boxes=torch.from_numpy(boxes[None].astype(np.float32)),
        multimask_output=False,
    )
    masks = torch.nn.functional.interpolate(found.pred_masks[0].float(), (SIDE, SIDE), mode="bilinear")
    masks = torch.nn.functional.interpolate(masks, image.shape, mode="bilinear")[:, 0].numpy() > 0
    labels = np.zeros(image.shape, dtype=np.int32)
    for (label, _), mask in zip(asked, masks, strict=True):
        labels[mask] = label
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("case")
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options = parser.parse_args()
    case, prompts = read_made(options.folder, options.case)
    torch.manual_seed(0)
    model = SamModel(SamConfig()).eval()
    count = case.reference.shape[2]
    chosen = np.linspace(0, count - 1, min(options.slices, count)).round().astype(int).tolist()
    labels = np.zeros(case.reference.shape, dtype=np.int32)
    half = torch.autocast("cpu", torch.bfloat16) if options.precision == "bfloat16" else nullcontext()
    seconds = []
    with torch.inference_mode(), half:
        for index in [chosen[0], *chosen]:
            started = time.perf_counter()
            labels[:, :, index] = answer(model, case.reference.data[:, :, index], prompts, index)
            seconds.append(time.perf_counter() - started)
    save_labels(options.folder / "sam" / f"{options.case}_pred.nii.gz", case.reference, labels)
    print(json.dumps({"slices": seconds, "of": count}))


if __name__ == "__main__":
    main()
