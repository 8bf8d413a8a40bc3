"""`robmem check FILE.vipr`: true files are accepted, changed ones refused with exit 4."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracles.hats import at_most, hat
from verifier.cli.main import main
from verifier.evidence.certificate import Robust
from verifier.formats.vipr.write import vipr_texts
from verifier.question.region import box
from verifier.tasks.verify import verify


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    region = box([Fraction(-1), Fraction(-2)], [Fraction(1), Fraction(2)])
    query = at_most(hat(), region, Fraction(4), strict=False)
    verdict = verify(query).verdict
    assert isinstance(verdict, Robust)
    (text,) = vipr_texts(query, verdict)
    path = tmp_path / "proof.vipr"
    path.write_text(text)
    return path


def test_true_certificates_are_accepted(certificate: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["check", str(certificate)]) == 0
    assert "at most" in capsys.readouterr().out


def test_changed_certificates_are_refused(certificate: Path, capsys: pytest.CaptureFixture) -> None:
    text = certificate.read_text()
    lines = text.splitlines()
    derivations = next(i for i, line in enumerate(lines) if line.startswith("DER"))
    refused = 0
    for i in range(derivations, len(lines)):
        if "lin" in lines[i]:
            changed = [*lines[:i], lines[i].replace("lin", "rnd", 1), *lines[i + 1 :]]
            certificate.write_text("\n".join(changed) + "\n")
            assert main(["check", str(certificate)]) == 4
            refused += 1
    assert refused
    certificate.write_text(text.replace("DER", "DER 1", 1))
    assert main(["check", str(certificate)]) == 4
    capsys.readouterr()
