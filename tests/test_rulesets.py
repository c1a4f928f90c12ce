"""The rulesets that ship, each by its transcript, on a store that is a real file."""

from pathlib import Path

import pytest

from picosched import PicoschedError, compile_ruleset
from picosched.rehearsal.transcript import play

HERE = Path(__file__).parent
RULESETS = sorted((HERE.parent / "rulesets").glob("*.krl"))
TRANSCRIPTS = sorted((HERE / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
@pytest.mark.slow
def test_a_ruleset_does_what_its_transcript_says(file: Path, tmp_path: Path, update: bool) -> None:
    played = play(file, tmp_path / "picos.db", [HERE / "rulesets"])
    if update:
        file.write_text(played.text)
        return
    assert not played.mismatches, "\n".join(map(str, played.mismatches))


@pytest.mark.parametrize("ruleset", RULESETS, ids=lambda file: file.stem)
def test_each_ruleset_has_a_transcript(ruleset: Path) -> None:
    assert (HERE / "transcripts" / f"{ruleset.stem}.txt").is_file()


def test_a_file_without_end_is_no_ruleset() -> None:
    with pytest.raises(PicoschedError, match="/dev/zero has more than 2,000,000 bytes") as raised:
        compile_ruleset(Path("/dev/zero"))
    assert raised.value.code == "too_large"
