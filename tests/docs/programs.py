"""How each program is tried that a page calls: a script in its place.

Snakemake plans and does nothing; `grd` runs, unless it would download or measure; `make` says what it would do; the rest is only
read by the shell.
"""

import re
import sys
from pathlib import Path

PARSE = "import sys; from grd.cli import parser; parser().parse_args(sys.argv[1:])"
RUN = "from grd.cli import main; main()"
CONDA = """case "$1" in
  info) echo '{"conda_version": "25.1.0", "conda_prefix": "/conda", "platform": "linux-64"}';;
  config) echo '{"get": {"channel_priority": "strict"}}';;
  *) echo conda 25.1.0;;
esac"""
STAND_INS = {
    "snakemake": f'exec {sys.executable} -m snakemake --dry-run --quiet all "$@"',
    "grd": f"""case "$1" in fetch | benchmark) code='{PARSE}';; *) code='{RUN}';; esac; exec {sys.executable} -c "$code" "$@" """,
    "make": 'exec /usr/bin/make --dry-run "$@"',
    "python": f'exec {sys.executable} "$@"',
    "git": '[ "$1" = clone ] && ln -s . "$3"',
    "conda": CONDA,
    **dict.fromkeys(("docker", "module", "sbatch", "srun", "tmux"), "true"),
}
BUILT_IN = {"cd", "source"}


def programs(command):
    """The names of the programs that a line of shell calls: of each of its parts the first word that is no assignment."""
    without_quotes = re.sub(r"'[^']*'|\"[^\"]*\"", "…", command.split(" #")[0])
    parts = [part.split() for part in re.split(r"&&|\|\||[;|]", without_quotes)]
    return {Path(next(word for word in words if not re.match(r"\w+=", word))).name for words in parts}
