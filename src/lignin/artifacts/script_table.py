"""Which programs take data, and where: the one table that a shell routine's script is held against. Pure.

What is not in it takes none: a value of a caller stands nowhere else. A row is a program, with its verb
where it has verbs, and what it takes:

    *           its words are data; `*FORM` in that form only
    1=FORM      its first word is data in that form, or fixed and harmless; `1!` it is never data
    <           what is piped or read into it is data
    runs        what its words name is run: files and targets of the project, no text
    -abc        flags of one letter, which take nothing; -a: with a value that is data; -a! with one that
                is not
    -name.      a flag of several letters; `-name:` and `--name:` with a value that is data
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_ROWS: Mapping[str, str] = {
    # files and folders
    "cat": "* < -nbAsETv",
    "ls": "* -alhtrRS1dFpAi --all --recursive --color:",
    "cd": "*",
    "pwd": "*",
    "cp": "* -rRafpvunL --parents",
    "mv": "* -fvnu",
    "rm": "* -rRfvd --recursive --force",
    "rmdir": "* -pv",
    "mkdir": "* -pv -m: --parents --mode:",
    "touch": "* -cam -d: -t: -r:",
    "ln": "* -sfvnr",
    "chmod": "* -Rv",
    "stat": "* -L -c: -f --format:",
    "file": "* -bi --mime-type --brief",
    "du": "* -shackm -d: --max-depth:",
    "df": "* -hT",
    "tree": "* -adf -L: -I:",
    "test": "* -efdsrxwnzL",
    "which": "* -a",
    "basename": "* -a -s:",
    "dirname": "*",
    "realpath": "* -me",
    "readlink": "* -fe",
    "find": "* -name: -iname: -path: -ipath: -wholename: -regex: -iregex: -type: -maxdepth: -mindepth:"
    " -size: -mtime: -mmin: -newer: -user: -perm: -print. -print0. -delete. -empty. -not. -prune."
    " -o. -a. -or. -and. -quit. -L",
    # text
    "echo": "* < -neE",
    "printf": "*",
    "grep": "* < -rRnilLcwvoqshHxEFPaIbz -e: -f: -A: -B: -C: -m: --include: --exclude: --exclude-dir:"
    " --color: --max-count: --context: --after-context: --before-context: --regexp: --fixed-strings"
    " --line-number --ignore-case --recursive --count --files-with-matches --only-matching",
    "rg": "* < -nilcwvoqFUSPsuN -e: -g: -t: -T: -A: -B: -C: -m: --glob: --type: --type-not: --hidden"
    " --files --no-ignore --max-count: --context: --line-number --ignore-case --fixed-strings"
    " --files-with-matches --count --color: --no-heading --max-depth: --iglob: --sort: --json",
    "head": "* < -qv -n: -c: --lines: --bytes:",
    "tail": "* < -qv -n: -c: --lines: --bytes:",
    "wc": "* < -lwcmL",
    "sort": "* < -rnufhVbgM -k: -t: --key: --reverse --numeric-sort --unique",
    "uniq": "* < -cdui",
    "cut": "* < -s -d: -f: -c: -b: --delimiter: --fields: --output-delimiter:",
    "tr": "* < -dsc",
    "tee": "* < -a",
    "diff": "* < -uNrqbwyi -U: --color: --unified: --brief --recursive",
    "cmp": "* < -s",
    "comm": "* < -123",
    "paste": "* < -s -d:",
    "nl": "* < -ba",
    "tac": "* <",
    "rev": "* <",
    "fold": "* < -s -w:",
    "column": "* < -t -s:",
    "seq": "*",
    "sleep": "*",
    "date": "* -u -d: --date: -I --iso-8601",
    "md5sum": "* <",
    "sha256sum": "* <",
    "xxd": "* < -p -l:",
    "jq": "1! * < -rcesSnM",
    "sed": "1=LINES * < -nirEsz --in-place --quiet --regexp-extended",
    "awk": "1=AWK * < -F:",
    "gawk": "1=AWK * < -F:",
    "mawk": "1=AWK * < -F:",
    # version control
    "git add": "* -AufpvN --all --update --force --intent-to-add",
    "git blame": "* -wse -L:",
    "git branch": "* -adDmMrvlf --all --list --show-current --delete --merged: --contains: --sort:",
    "git cat-file": "* -tpse",
    "git checkout": "* -qft -b: -B: --quiet --force --track --detach --ours --theirs --orphan:",
    "git cherry-pick": "* -xn --no-commit --abort --continue",
    "git clean": "* -fdxnq",
    "git commit": "* -aqsvnp -m: -F: -C: --message: --author: --date: --amend --no-edit --allow-empty"
    " --no-verify --quiet --all --signoff --fixup: --trailer:",
    "git describe": "* --tags --always --dirty --abbrev:",
    "git diff": "* -wbpM -U: -S: -G: --stat --cached --staged --name-only --name-status --unified:"
    " --word-diff --check --exit-code --quiet --shortstat --numstat --diff-filter: --no-color",
    "git fetch": "1=NAME * -pqaf --prune --all --tags --quiet --depth:",
    "git grep": "* -nilcwvEFqhP -e: -A: -B: -C: --cached --line-number --ignore-case",
    "git init": "* -q -b: --quiet --bare --initial-branch:",
    "git log": "* -pqwi -n: -S: -G: -L: --oneline --stat --graph --all --decorate --format: --pretty:"
    " --since: --until: --after: --before: --author: --grep: --follow --max-count: --name-only"
    " --name-status --no-merges --merges --reverse --date: --first-parent --patch --shortstat",
    "git ls-files": "* -ocmdsz --others --exclude-standard --cached --modified --exclude:",
    "git ls-tree": "* -rtdz --name-only",
    "git merge": "* -q -m: --no-ff --ff-only --squash --no-edit --no-commit --abort --quiet",
    "git merge-base": "* --is-ancestor --all",
    "git mv": "* -fvkn",
    "git pull": "1=NAME * -q --rebase --ff-only --quiet --prune --tags --no-rebase",
    "git push": "1=NAME * -ufqdn --force --force-with-lease --set-upstream --tags --delete --quiet --all",
    "git rebase": "* -q --onto: --abort --continue --autostash --quiet",
    "git reset": "* -qp --hard --soft --mixed --quiet",
    "git restore": "* -qpSW --staged --worktree --source: -s:",
    "git rev-list": "* -n: --count --all --max-count:",
    "git rev-parse": "* -q --short --abbrev-ref --verify --show-toplevel",
    "git revert": "* -nm --no-edit --no-commit --abort",
    "git rm": "* -rfqn --cached --quiet",
    "git show": "* -pqws --stat --name-only --name-status --format: --pretty: --oneline --no-patch",
    "git stash": "* -quap -m: --message: --include-untracked --keep-index",
    "git status": "* -sbuz --short --porcelain: --branch --untracked-files: --ignored",
    "git switch": "* -qf -c: -C: --create: --quiet --detach --force",
    "git tag": "* -adlnf -m: --list --delete --annotate --message: --sort: --contains:",
    # what a project is built and tested by
    "python": "1=SCRIPT runs -uB",
    "python3": "1=SCRIPT runs -uB",
    "pytest": "*FILE runs -xvqsl -k: -m: -n: --tb: --maxfail: --lf --ff --durations: --no-header"
    " --collect-only --no-cov --disable-warnings --exitfirst --verbose --quiet",
    "unittest": "*FILE runs -vqfb -k: --verbose --quiet --failfast",
    "py_compile": "*FILE",
    "json.tool": "*FILE < --sort-keys --indent:",
    "mypy": "*FILE --strict --no-error-summary --ignore-missing-imports --pretty",
    "ruff check": "*FILE -q --fix --select: --ignore: --diff --no-cache --quiet --line-length:",
    "ruff format": "*FILE -q --check --diff --quiet --line-length:",
    "black": "*FILE -q --check --diff --quiet -l: --line-length:",
    "isort": "*FILE -q --check --diff --quiet",
    "flake8": "*FILE -q --max-line-length: --select: --ignore:",
    "make": "*TARGET runs -ksBnqij -C:",
    "cargo test": "*NAME runs -q --quiet --release --lib",
    "npm run": "1=TARGET runs -s --silent",
    "npm view": "*PACKAGE --json",
    "npm ls": "*PACKAGE --json --depth:",
    "pip show": "*NAME -q",
    "pip list": "-q --outdated --format:",
    "docker logs": "*NAME -t -n: --tail: --since: --timestamps",
    "docker inspect": "*NAME",
    "kubectl get": "*TARGET -A -n: -o: -l: --namespace: --all-namespaces --selector:",
    "kubectl describe": "*TARGET -n: --namespace:",
    "kubectl logs": "*TARGET -n: -c: --namespace: --tail: --since: --container:",
    "curl": "*URL -sSfLiIk --silent --show-error --fail --location --head",
}
FORMS: Mapping[str, str] = {
    "LINES": r"[0-9]*,?[0-9$]+p",
    "AWK": "",
    "TARGET": r"[A-Za-z0-9_./][A-Za-z0-9_./:-]*",
    "NAME": r"[A-Za-z0-9_][A-Za-z0-9_.-]*",
    "PACKAGE": r"@?[A-Za-z0-9_][A-Za-z0-9_./-]*",
    "FILE": r"(?!.*\.\.)[A-Za-z0-9_.][A-Za-z0-9_./:\[\]-]*",
    "SCRIPT": r"(?!.*\.\.)[A-Za-z0-9_.][A-Za-z0-9_./-]*\.py",
    "URL": r"https?://\S+",
}
"""The forms a word has to have where another one could be more than data. None begins with a dash."""

BEFORE: Mapping[str, int] = {"timeout": 1, "time": 0, "nohup": 0, "uv run": 0, "poetry run": 0}
"""Programs that run the one behind them, after so many words of their own: what that takes counts."""
MODULES = frozenset(
    [
        "pytest",
        "unittest",
        "py_compile",
        "json.tool",
        "mypy",
        "ruff",
        "black",
        "isort",
        "flake8",
        "pip",
    ]
)
"""Modules that `python -m` runs as the program of that name."""

_ADDRESS = r"(?:(?:\d+|\$|/(?:\\.|[^/\\\n])*/)(?:,(?:\d+|\$|/(?:\\.|[^/\\\n])*/))?!?)?"
_REPLACE = r"s(?P<sign>[/|#,])(?:\\.|(?!(?P=sign))[^\\\n])*(?P=sign)(?:\\.|(?!(?P=sign))[^\\\n])*(?P=sign)[gIip0-9]*"
_SED = re.compile(rf"\s*{_ADDRESS}\s*(?:[pdqDGhHgxnN=]|{_REPLACE})\s*(?:;|\n|$)")
_AWK = re.compile(r"system|@|(?<!\|)\|(?!\|)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a program takes.

    Args:
        first: What its first word has to be, if that is told apart: a form's name, or `!`.
        words: What its other words have to be: a form's name, `*` for any, empty where none is data.
        reads: What is piped into it is data.
        runs: What its words name is run.
        flags: Its flags; each with `:` if it takes a value that is data, `!` if one that is none.
    """

    first: str = ""
    words: str = ""
    reads: bool = False
    runs: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)

    def kind(self, flag: str) -> str | None:
        """What a flag takes: nothing (empty), or what a value is; None where it is not known."""
        if flag in self.flags:
            return self.flags[flag]
        if flag.startswith("--"):
            return None
        for place, letter in enumerate(flag[1:], start=2):
            kind = self.flags.get(f"-{letter}")
            if kind is None:
                return None
            if kind:
                return kind if place == len(flag) else ""
        return ""


def _read(text: str) -> Row:
    first, words, reads, runs, flags = "", "", False, False, dict[str, str]()
    for each in text.split():
        if each.startswith("1"):
            first = each[1:].removeprefix("=")
        elif each.startswith("*"):
            words = each[1:] or "*"
        elif each == "<":
            reads = True
        elif each == "runs":
            runs = True
        elif each[-1] in ":!":
            flags[each[:-1]] = each[-1]
        elif each.startswith("--") or each.endswith("."):
            flags[each.removesuffix(".")] = ""
        else:
            flags.update({f"-{letter}": "" for letter in each[1:]})
    return Row(first=first, words=words, reads=reads, runs=runs, flags=MappingProxyType(flags))


TABLE: Mapping[str, Row] = MappingProxyType({name: _read(text) for name, text in _ROWS.items()})


def is_harmless(form: str, text: str) -> bool:
    """True where a fixed program of `sed` or `awk` starts nothing, whatever it works on."""
    if form == "AWK":
        return _AWK.search(text) is None
    if form != "LINES":
        return True
    at = 0
    while at < len(text):
        found = _SED.match(text, at)
        if found is None or found.end() == at:
            return False
        at = found.end()
    return True
