"""Turns the held-out utterances of a pack into gold lines for score.py.

    python3 ops/measure/heldout.py packs/telecom > gold.tsv

Held out are the files that pack.toml names under [examples]: no head is fitted to them. Annotations are
taken out, and `out_of_scope/REASON` becomes `out_of_scope`. Standard output: `our_id<TAB>text<TAB>file`.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys

HELD_OUT = re.compile(r"^held_out\s*=\s*\[([^\]]*)\]", re.MULTILINE)
MARKED = re.compile(r"\[([^\]]*)\]\([a-z_]+\)")


def held_out(pack: pathlib.Path) -> list[str]:
    """The names in `held_out` of pack.toml (Python before 3.11 has no TOML reader)."""
    found = HELD_OUT.search((pack / "pack.toml").read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{pack / 'pack.toml'}: no held_out under [examples]")
    return re.findall(r'"([^"]+)"', found.group(1))


def gold(pack: pathlib.Path, name: str) -> list[str]:
    """The gold lines of one file."""
    lines = (pack / "examples" / name).read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        label, text = line.split("\t")
        intent, said = label.split("/")[0], MARKED.sub(r"\1", text)
        rows.append(f"{intent}\t{said}\t{name}")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=pathlib.Path, help="folder of the pack")
    arguments = parser.parse_args()
    for name in held_out(arguments.pack):
        sys.stdout.write("".join(f"{row}\n" for row in gold(arguments.pack, name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
