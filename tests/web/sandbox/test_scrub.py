"""What is left of a log: all of it for a smoke run, next to nothing for a hidden one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unicare.web.sandbox.scrub import readable_log, scrubbed_last_line


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("RuntimeError: CUDA out of memory", "RuntimeError: cuda out of memory"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory", "OutOfMemoryError: cuda out of memory"),
        ("KeyError: 'Case_1001'", "KeyError: …"),
        ("No such file: /input/images/case-3fa.nii.gz", "no such file: … input … images …"),
        ("shapes cannot be multiplied (1x512 and 768x256)", "shapes cannot be … and …"),
        ("Case3001 LGE 0.9123 aGVsbG8=", ""),
        ("\x1b[31mValueError\x1b[0m", "ValueError"),
        (":.,:.,", ""),
    ],
)
def test_known_lines(line, left):
    assert scrubbed_last_line(f"Epoch 1 of case Case3001\n{line}\n\n").removeprefix("… ") == left


def test_silence_is_silence():
    assert scrubbed_last_line("") == scrubbed_last_line("\n \n") == ""


@given(st.text(max_size=400))
def test_no_digit_no_control_character_and_no_length_comes_through(text):
    left = scrubbed_last_line(text)
    assert len(left) <= 160
    assert left.isprintable()
    assert not any(c.isdigit() for c in left)
    assert all(c.isascii() or c == "…" for c in left)


def test_a_row_of_allowed_words_is_cut():
    assert scrubbed_last_line("no " * 500) == " ".join(["no"] * 16)


def test_a_readable_log_is_text_without_controls_and_without_the_engines_lines():
    log = 'one\x00\x1b[2J\ttwo\ntime="2025" level=error msg="/var/lib/containers"\nthree \u202e\n'
    assert readable_log(log) == "one  two\nthree"
    assert readable_log("abcdef", 3) == "def"
