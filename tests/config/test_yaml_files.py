"""Files that are not YAML, or not text, are named with the line of the fault."""

import pytest

from grd.config.parsing import read_yaml
from grd.errors import GrdError


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: : 2\n", r", line 2: not valid YAML \(mapping values are not allowed"),
        (
            "a: 1\nb: [1, 2\nc: 3\n",
            r", line 3: not valid YAML \(.*sequence that begins in line 2: did not find expected ',' or '\]'",
        ),
        ("a:\n\tb: 1\n", r", line 2: not valid YAML \(.*cannot start any token\)"),
        ("a: 1\nb: *unknown\n", r", line 2: not valid YAML \(found undefined alias"),
        ("ä: 1\nb: \x01\n", r", line 2: not valid YAML \(.*not allowed"),
        ("a: 1\nb: 2024-13-01\n", r": not valid YAML \(month must be in 1\.\.12\)"),
        ("a: 1\n2024: 2\n", r", line 2: not valid YAML \(key 2024 is no text; write it in quotation marks, or another\)"),
        ("a: {b: 1}\nc:\n  d: 2\n  d: 3\n", r", line 4: not valid YAML \(key 'd' stands twice; drop one\)"),
        ("- 1\n", ": expected a mapping at the top, found list"),
    ],
)
def test_a_fault_of_syntax_has_file_and_line(tmp_path, text, fault):
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with pytest.raises(GrdError, match=rf"file\.yaml{fault}") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


def test_a_file_in_another_encoding_has_file_and_line(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(GrdError, match=r"file\.yaml, line 2: not valid YAML \(.*UTF-8"):
        read_yaml(path)


def test_a_key_of_its_own_replaces_a_merged_one_also_in_what_is_merged_again(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text("a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, x: 3}\n")
    assert read_yaml(path) == {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 3, "y": 2}}
