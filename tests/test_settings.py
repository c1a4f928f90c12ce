"""Settings: where they come from, which wins, and what is said of a wrong one."""

from pathlib import Path

import pytest

from picosched import PicoschedError, Settings
from picosched.settings import load_settings

pytestmark = pytest.mark.files


def test_without_anything_the_defaults_hold() -> None:
    assert load_settings(None, {}) == Settings()


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text('[engine]\ngranularity = 10\nmin_period = 20\nmisfire = "all"\nmax_depth = 7\n')
    environ = {"PICOSCHED_MIN_PERIOD": "30", "PICOSCHED_MAX_RAISED": "9", "HOME": "/root"}
    settings = load_settings(toml, environ, misfire="skip")
    assert (settings.granularity, settings.min_period, settings.misfire) == (10, 30, "skip")
    assert (settings.limits.max_depth, settings.limits.max_raised) == (7, 9)


def test_a_file_may_hold_tables_of_others(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text('[[source]]\ntype = "crontab"\n')
    assert load_settings(toml, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[engine]\ngranularty = 1", 'found the setting "granularty", did you mean "granularity"?'),
        ("[engine]\nzzz = 1", 'found the setting "zzz", wanted one of granularity, min_period'),
        ("[engine]\ngranularity = 0", "granularity: found 0, wanted a whole number, 1 or more"),
        ("[engine]\ngranularity = 0.5", "granularity: found 0.5, wanted a whole number"),
        ("[engine]\nmin_period = true", "min_period: found true, wanted a whole number, 0 or more"),
        ('[engine]\nmin_period = "9"', 'min_period: found "9", wanted a whole number'),
        ('[engine]\nmisfire = "never"', 'misfire: found "never", wanted one of "once", "skip", "all"'),
        ("[engine]\ndurability = 1", 'durability: found 1, wanted one of "full", "normal"'),
        ("engine = 1", "engine: found 1, wanted a table"),
        ("[engine", "is not TOML"),
    ],
)
def test_a_wrong_setting_in_a_file_is_named_with_the_file(tmp_path: Path, text: str, wanted: str) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text(text)
    with pytest.raises(PicoschedError) as caught:
        load_settings(toml, {})
    assert caught.value.code == "invalid"
    assert wanted in caught.value.message
    assert str(toml) in caught.value.message


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(PicoschedError) as caught:
        load_settings(tmp_path / "none.toml", {})
    assert caught.value.code == "not_found"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_bytes(b"\xff\xfe")
    with pytest.raises(PicoschedError, match="not UTF-8"):
        load_settings(toml, {})
    with pytest.raises(PicoschedError, match="cannot be read"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        ("PICOSCHED_GRANULARITY", "soon", 'granularity: found "soon", wanted a whole number'),
        ("PICOSCHED_MISFIRE", "", 'misfire: found "", wanted one of'),
        ("PICOSCHED_GRANULARTY", "1", 'did you mean "granularity"?'),
    ],
)
def test_a_wrong_variable_is_named(variable: str, text: str, wanted: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        load_settings(None, {variable: text})
    assert wanted in caught.value.message
    assert "environment" in caught.value.message


def test_variables_of_others_are_let_be() -> None:
    assert load_settings(None, {"PICOSCHED_TOKEN": "secret", "PICOSCHED_DB": "x.db"}) == Settings()


def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(PicoschedError, match='found the setting "misfires", did you mean "misfire"'):
        load_settings(None, {}, misfires="all")


@pytest.mark.parametrize(
    ("table", "near"), [("alerts.ops", "alert"), ("places", "place"), ("sources", "source")]
)
def test_a_table_that_is_not_known_is_refused(tmp_path: Path, table: str, near: str) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text(f"[{table}]\nx = 1\n")
    with pytest.raises(PicoschedError, match=f'found the table ".*", did you mean "{near}"') as caught:
        load_settings(toml, {})
    assert str(toml) in caught.value.message
