"""Without a command all of them are told; numbers are held to their range before anything is asked or opened."""

import pytest

from heliostat.launch.__main__ import main

_HOURS = "a number above 0, 744 at most, is asked for"
_DAYS = "a number above 0, 366 at most, is asked for"
_ROWS = "a whole number, 1 to 1,000,000, is asked for"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("emulate fal --port 99999", "argument --port: a whole number, 0 to 65,535, is asked for, not '99999'"),
        ("emulate fal --port -1", "a whole number, 0 to 65,535, is asked for"),
        ("emulate fal --port http", "a whole number, 0 to 65,535, is asked for"),
        ("emulate fal --job-seconds -1", "a number above 0, 3,600 at most, is asked for"),
        ("admin arms m --hours nan", _HOURS),
        ("admin arms m --hours -1", _HOURS),
        ("admin arms m --hours 1e300", _HOURS),
        ("admin usage --days nan", _DAYS),
        ("admin usage --days 1e9", _DAYS),
        ("admin requests --days -3", _DAYS),
        ("admin requests --count -1", _ROWS),
        ("admin audit --most 0", "a whole number, 1 to 1,000, is asked for"),
        ("admin unknowns --most -5", "a whole number, 1 to 100, is asked for"),
        ("admin watch --seconds nan", "a number above 0"),
        ("admin set m fal/x --priority 99999999999", "a whole number, 0 to 1,000, is asked for"),
        ("keys create --concurrent 99999999999999", "a whole number, 0 to 1,000,000, is asked for"),
        ("keys create --images-per-minute -1", "a whole number, 0 to 1,000,000, is asked for"),
        ("keys update k --requests-per-minute x", "a whole number, 0 to 1,000,000, is asked for"),
    ],
)
def test_a_number_out_of_range_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By its argument's name, in one sentence, with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err.splitlines()[-1]


def test_without_a_command_all_commands_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """And the exit code says that nothing was done."""
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert all(f"    {name} " in told.err for name in ("serve", "mesh", "models", "doctor", "keys"))
