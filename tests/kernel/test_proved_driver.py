"""The driver of the proved kernel, which is not proved: what it reads, asks and prints is as due,
each mutant of it is noticed, and streams that are altered by tokens say nothing false."""

import shutil
import subprocess
from random import Random

import pytest

from tests.oracles.driver_mutants import MUTANTS
from tests.oracles.kernel_streams import KINDS, as_due, changed_tokens, said, streams
from tests.oracles.proved_kernel import PROGRAM, kernel_folder, relinked
from tests.oracles.stream_truth import Reader


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_as_due(kind):
    """True ones and false ones of every part of the grammar, with the question printed back."""
    folder, found = kernel_folder(), {True: 0, False: 0}
    for stream in streams(kind):
        assert as_due(folder, stream), stream.text
        found[stream.true] += 1
    assert found[True] >= 2 and (found[False] >= 2 or kind == "distances"), found


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_of_the_driver_are_noticed(name, tmp_path):
    """Another answer, another exit code, or another question printed back."""
    built = kernel_folder()
    file, old, new = MUTANTS[name]
    sources = tmp_path / "sources"
    shutil.copytree(PROGRAM, sources)
    text = (sources / file).read_text()
    assert text.count(old) == 1
    (sources / file).write_text(text.replace(old, new))
    (tmp_path / "built").mkdir()
    mutant = relinked(sources, built, tmp_path / "built")
    assert any(not as_due(mutant, stream) for kind in KINDS for stream in streams(kind))


def fuzz(kind, seeds, count):
    """How many altered streams are accepted as another question, and how many as the same one."""
    folder, found = kernel_folder(), {"refused": 0, "same": 0, "other": 0}
    for seed in seeds:
        rng = Random(seed)
        true = [stream for stream in streams(kind) if stream.true and len(stream.text) < 4000]
        stream = rng.choice(true)
        for text in changed_tokens(rng, stream.text, count):
            lines, code, back = said(folder, stream, text)
            assert code in (0, 4), (text, lines)
            assert all(line.startswith(("question ", "sample ", "refused: ")) for line in lines), (
                lines
            )
            if code == 4:
                found["refused"] += 1
            elif back == stream.asked:
                assert lines == stream.due  # the same claims, by what may be another proof
                found["same"] += 1
            else:
                fails = list(Reader(back).claims())
                assert len(fails) == len(lines), text
                for line, wrong in zip(lines, fails, strict=True):
                    assert line.endswith("flip") or not wrong, text
                found["other"] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_altered_tokens_say_nothing_false(kind):
    found = fuzz(kind, range(4), 30)
    assert found["refused"] > 20 and found["same"] + found["other"] > 2, found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_altered_tokens_say_nothing_false(kind):
    found = fuzz(kind, range(100, 140), 100)
    assert min(found.values()) > 50, found


def test_the_oracle_of_streams_sees_what_is_false():
    """It refutes some false claim of each kind, so that it could fail."""
    for kind in ("questions", "cones", "runs", "families"):
        refuted = 0
        for stream in streams(kind):
            fails = list(Reader(stream.asked).claims())
            for line, wrong in zip(stream.due, fails, strict=True):
                assert not wrong or line.endswith(("flip", "refused")), stream.text
                refuted += wrong
        assert refuted, kind


NETWORK = "robmem-kernel 1 1 1 1\n{unit} 0 1\n1 1 1 0 1\n"
FLIPS = {
    "question": "question box -1 1 0 1 1 0 1 {output} 1 1 weak\nflip 0 0\nend\n",
    "sample": "task nearest 2 inf 1 1 whole\nsample 0 0 0\nflip 0 1\nend\n",
}


@pytest.mark.parametrize("kind", FLIPS)
@pytest.mark.parametrize(
    ("unit", "output", "accepted"),
    [("1 0 1", 0, True), ("1 0 1", 1, False), ("1 1 1", 0, False), ("1 7 1", 0, False)],
)
def test_flips_are_about_what_exists(kind, unit, output, accepted, tmp_path):
    """No output beyond the last, no unit that reads itself or what is not there."""
    if kind == "sample" and output:
        pytest.skip("goals of a label name the outputs that there are")
    path = tmp_path / "stream"
    path.write_text(NETWORK.format(unit=unit) + FLIPS[kind].format(output=output))
    found = subprocess.run(
        [kernel_folder() / "robmem-kernel", path], capture_output=True, text=True, check=False
    )
    assert (found.returncode == 0) == accepted, found.stdout
    assert found.returncode in (0, 4)
