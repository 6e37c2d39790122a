"""Turns the utterances of a pack that are only measured into gold lines for score.py.

    python3 ops/measure/heldout.py packs/telecom > gold.tsv
    python3 ops/measure/heldout.py packs/telecom --dev > gold.tsv

They are those of the files that pack.toml names under [examples]: `test`, which are measured at the end, or
with --dev `dev`, which are watched while something is fitted. No head is fitted to either. Annotations and
moods are taken out, `out_of_scope/REASON` becomes `out_of_scope`, and `a+b`, two matters in one utterance,
becomes `a|b`: either is right. Standard output: `our_id<TAB>text<TAB>file`.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys

MARKED = re.compile(r"\[([^\]]*)\]\([a-z_]+\)")


def files(pack: pathlib.Path, split: str) -> list[str]:
    """The names in `dev` or `test` of pack.toml (Python before 3.11 has no TOML reader)."""
    listed = re.compile(rf"^{split}\s*=\s*\[([^\]]*)\]", re.MULTILINE)
    found = listed.search((pack / "pack.toml").read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{pack / 'pack.toml'}: no {split} under [examples]")
    return re.findall(r'"([^"]+)"', found.group(1))


def gold(pack: pathlib.Path, name: str) -> list[str]:
    """The gold lines of one file."""
    lines = (pack / "examples" / name).read_text(encoding="utf-8").split("\n")
    rows = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        label, text, *_mood = line.rstrip("\r").split("\t")
        ids, said = label.split("/")[0].replace("+", "|"), MARKED.sub(r"\1", text)
        rows.append(f"{ids}\t{said}\t{name}")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=pathlib.Path, help="folder of the pack")
    parser.add_argument("--dev", action="store_true", help="the dev voices instead of the test voices")
    arguments = parser.parse_args()
    names = files(arguments.pack, "dev" if arguments.dev else "test")
    if not names:
        sys.stderr.write("heldout: pack.toml names no such file\n")
    for name in names:
        sys.stdout.write("".join(f"{row}\n" for row in gold(arguments.pack, name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
