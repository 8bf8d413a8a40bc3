"""Labels of samples by the proved kernel: every decoder, norm and clip, and what is altered."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.oracles.proved_kernel import kernel_folder, say
from tests.oracles.proved_runs import SIZES, small_run
from verifier.checker.proved import replay_run, run_parts
from verifier.question.errors import RefusedError

F = Fraction


@pytest.fixture(autouse=True)
def program(monkeypatch):
    folder = kernel_folder()
    monkeypatch.setenv("ROBMEM_KERNEL", str(folder))
    return folder


@pytest.mark.parametrize("clip", [None, (F(-2), F(17, 8))])
@pytest.mark.parametrize("decoder", ["nearest", "sign", "argmax", "value"])
@pytest.mark.parametrize("norm", SIZES)
def test_results_of_small_runs(norm, decoder, clip):
    kinds = set()
    for seed in range(3):
        network, points, question, results, texts = small_run(seed, norm, decoder, clip)
        replay_run(network, points, question, results, texts.__getitem__)
        kinds |= {result.kind for result in results}
        for result in results:  # the opposite is refused
            flip = result.kind == "flip"
            other = replace(result, kind="robust" if flip else "flip")
            with pytest.raises(RefusedError, match="another verdict"):
                replay_run(network, points, question, [other], texts.__getitem__)
    assert "flip" in kinds


def test_proofs_of_other_samples_are_refused(program):
    """The proof of one sample is given for another, whose label is flipped somewhere."""
    refused = 0
    for seed in range(6):
        network, points, question, results, texts = small_run(seed, "inf", "nearest", None)
        robust = [result for result in results if result.kind == "robust"]
        flips = [result for result in results if result.kind == "flip"]
        for good, bad in zip(robust, flips, strict=False):
            swapped = replace(good, sample=bad.sample)
            with pytest.raises(RefusedError, match="refused by the proved kernel"):
                replay_run(network, points, question, [swapped], texts.__getitem__)
            refused += 1
    assert refused


def test_a_reach_that_is_too_short_and_labels_that_do_not_exist(program):
    network, points, question, results, texts = small_run(1, "inf", "nearest", None)
    text = "".join(
        part for _, part in run_parts(network, points, question, results, texts.__getitem__)
    )
    assert "refused" not in say(program, text)[0]
    short = text.replace("task nearest 3 inf 1/3 1/3 whole", "task nearest 3 inf 1/3 1/4 whole")
    assert short != text
    *_, code = say(program, short)
    assert code == 4
    fewer = text.replace("task nearest 3 inf", "task nearest 1 inf")
    assert say(program, fewer)[1] == 4


def test_certificates_that_are_altered_or_missing(program):
    network, points, question, results, texts = small_run(0, "inf", "nearest", None)
    with pytest.raises(RefusedError, match="certificate altered"):
        replay_run(network, points, question, results, lambda digest: texts[digest] + b" ")
