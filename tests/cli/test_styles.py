import json


def test_styles_are_listed(fastnst, monkeypatch, negative):
    monkeypatch.setenv("FASTNST_STYLES", str(negative.parent))
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = fastnst("styles", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0
    assert rows["negative"]["licence"] == "MIT"
    status, out, _ = fastnst("styles")
    assert "starry-night" in out
    assert "The Starry Night" in out
    assert "Vincent van Gogh" in out
