"""One model for hearts and livers: images and prompts in, segmentations out."""
