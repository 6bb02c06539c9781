"""What a newcomer sees first."""

import pytest


@pytest.mark.parametrize("width", ["80", ""])
def test_the_demo_says_what_was_measured_that_parrots_do_not_win_and_what_comes_next(command, width):
    shown = command("demo", env={"COLUMNS": width}, code=0).stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    places = {
        name: place for place, line in enumerate(lines) for name in line.split()[:1] if "0." in line or "1." in line
    }
    assert {"need-oracle", "lexical-need", "skip-first", "best-candidate", "parrot", "always", "never"} <= places.keys()
    order = sorted(places, key=lambda name: places[name])
    assert order[0] == "need-oracle"
    assert order.index("lexical-need") < order.index("always") < order.index("parrot")
    parrot = next(line for line in lines if line.startswith("parrot "))
    assert parrot.split()[1:4] == ["1.000", "1.000", "0.500"]
    beginning = "\n".join(lines[:10])
    assert "231 moments" in beginning
    assert "`always` and `parrot` do not win" in beginning
    assert "proactivebench show" in beginning
    assert "proactivebench run --model endpoint" in shown
    assert "overlap F1" in shown
