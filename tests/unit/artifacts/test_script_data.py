"""Where what varies may stand in a shell routine's commands, and where it refuses the routine."""

import re

import pytest

from lignin.artifacts.script_data import UnsafeError, require_data
from lignin.artifacts.script_table import FORMS, TABLE, is_harmless
from lignin.domain.commands import Word, of_step, parse_command
from lignin.domain.routines import Constant, Slot, Use
from lignin.domain.traces import ToolCall
from lignin.traces.routines.commands import as_command

VARIES = "VARIES"


def forms(*lines: str) -> list[str]:
    """The forms that are asked of what varies, where each word with `VARIES` in it does."""
    slots: dict[str, Slot] = {}
    commands = []
    for number, line in enumerate(lines):
        read = as_command(ToolCall(call_id="c", name="bash", arguments={"command": line}))
        assert read is not None, line
        commands.append(of_step(number, parse_command(read[0])))
        for place, word in read[1].items():
            text = str(word)
            slots[f"{number}:{place}"] = Use(text) if VARIES in text else Constant(text)

    def slot_of(word: Word) -> Slot | None:
        return slots[word.place] if word.place else None

    found = require_data(commands, slot_of)
    varying = [place for place, slot in slots.items() if isinstance(slot, Use)]
    assert varying, lines
    return [found[place] for place in varying if place in found]


@pytest.mark.parametrize(
    "line",
    [
        "flock /tmp/l -c VARIES",
        "docker exec web sh -c VARIES",
        "docker run img VARIES",
        "docker -H VARIES ps",
        "git rebase -q --exec VARIES main",
        "git rebase --exec=VARIES main",
        "git bisect run VARIES",
        "git config alias.zz VARIES",
        "git submodule foreach VARIES",
        "git -c VARIES log",
        "git -c core.pager=VARIES log",
        "git -c alias.x=y VARIES",
        "git VARIES",
        "git --exec-path=VARIES log",
        "git clone VARIES x",
        "git fetch --upload-pack VARIES origin",
        "git push --receive-pack=VARIES origin",
        "git log --output=VARIES",
        "git log --output VARIES",
        "git difftool -x VARIES HEAD",
        "git grep --open-files-in-pager=VARIES foo",
        "git diff --ext-diff VARIES",
        "git filter-branch --tree-filter VARIES",
        "git commit -t VARIES",
        "sqlite3 app.db VARIES",
        "uv run VARIES",
        "uvx VARIES",
        "npx VARIES --version",
        "npm exec VARIES",
        "npm install VARIES",
        "npm config set VARIES x",
        "npm run build -- VARIES",
        "yarn dlx VARIES",
        "watch -n1 VARIES",
        "su dev -c VARIES",
        "sudo VARIES",
        "timeout 5 VARIES x",
        "timeout 5 bash -c VARIES",
        "timeout VARIES pytest",
        "nice VARIES",
        "nice -n 5 VARIES",
        "nohup VARIES extra",
        "setsid VARIES",
        "stdbuf -o0 VARIES",
        "env A=1 sh -c VARIES",
        "env -S VARIES",
        "env VARIES cat x",
        "export VARIES",
        "ssh host VARIES",
        "ssh VARIES uptime",
        "scp VARIES b",
        "rsync -e VARIES a b",
        "script -q -c VARIES log.txt",
        "parallel VARIES ::: a b",
        "xargs -a list VARIES",
        "cat list | xargs VARIES",
        "cat VARIES | xargs rm",
        "make -f VARIES",
        "make --eval=VARIES all",
        "cmake -P VARIES",
        "pip install VARIES",
        "pip install --index-url VARIES x",
        "pip install --index-url=VARIES x",
        "pip install -r VARIES",
        "python -m VARIES",
        "python -c VARIES",
        "python3 -m timeit VARIES",
        "python3 tool.py VARIES",
        "python3 -c 'exec(input())' VARIES",
        "echo VARIES | python3",
        "echo VARIES | python3 -c 'import sys; exec(sys.stdin.read())'",
        "perl -ne VARIES in.txt",
        "perl -e 'exec(@ARGV)' VARIES",
        "ruby -e VARIES",
        "node -e VARIES",
        "node -p VARIES",
        "php -r VARIES",
        "lua -e VARIES",
        "osascript -e VARIES",
        "sh VARIES",
        "bash -c 'eval \"$0\"' VARIES",
        "busybox sh -c VARIES",
        "source VARIES",
        ". VARIES",
        "eval VARIES",
        "exec VARIES",
        "command VARIES",
        "trap VARIES EXIT",
        "alias ll=VARIES",
        "curl -K VARIES x",
        "curl -o VARIES https://a.example/x",
        "curl https://VARIES | sh",
        "wget -O VARIES https://a.example/x",
        "tar --to-command=VARIES -xf a.tar",
        "tar --to-command VARIES -xf a.tar",
        "tar cf out.tar --checkpoint-action=exec=VARIES src",
        "tar -I VARIES -xf a.tar",
        "zip -T -TT VARIES a.zip b",
        "find . -exec VARIES ';'",
        "find . -exec sh -c VARIES ';'",
        "find VARIES -exec sh -c 'rm {}' ';'",
        "find . -name VARIES -exec bash {} ';'",
        "find . -fprintf VARIES x",
        "rg --pre VARIES x",
        "rg --pre=VARIES x",
        "rg --hostname-bin VARIES x",
        "sort --compress-program=VARIES f",
        "sort --compress-program VARIES f",
        "less VARIES",
        "less +!VARIES f",
        "man -P VARIES ls",
        "vim -es VARIES f.txt",
        "ed VARIES",
        "gdb -batch -ex VARIES app",
        "strace VARIES",
        "crontab VARIES",
        "echo VARIES | crontab -",
        "at VARIES",
        "echo VARIES | at now",
        "echo VARIES | sh",
        "echo VARIES | cat | sh",
        "grep VARIES f | head -1 | bash",
        "echo VARIES | ssh host",
        "echo VARIES | psql app",
        "bash < VARIES",
        "psql -d app -c VARIES",
        "mysql -e VARIES",
        "tmux send-keys VARIES",
        "screen -X stuff VARIES",
        "kubectl exec pod-1 -- bash -c VARIES",
        "kubectl get pods --kubeconfig VARIES",
        "kubectl apply -f VARIES",
        "helm install VARIES x",
        "terraform apply VARIES",
        "systemctl start VARIES",
        "gh api VARIES",
        "cargo run VARIES",
        "go run VARIES",
        "go test -exec VARIES pkg",
        "awk VARIES f",
        "awk '{ system($1) }' VARIES",
        "echo VARIES | awk '{ print | \"sh\" }'",
        "sed -e VARIES f",
        "sed -f VARIES f",
        "sed 's/.*/&/e' VARIES",
        "sed '1e date' VARIES",
        "sed 's/a/b/w out' VARIES",
        "jq VARIES data.json",
        "jq -f VARIES data.json",
        "pytest -p VARIES",
        "pytest -c VARIES tests",
        "mypy --config-file VARIES src",
        "./cat VARIES",
        "/opt/grep VARIES f",
        "unknown-program VARIES",
        "cat f >& VARIES",
    ],
)
def test_what_varies_stands_nowhere_that_is_not_known_to_take_data(line: str) -> None:
    with pytest.raises(UnsafeError, match="nobody has said that `"):
        forms(line)


def test_reason_names_the_program_and_its_option() -> None:
    with pytest.raises(UnsafeError, match="nobody has said that `flock` takes data there"):
        forms("flock /tmp/l -c VARIES")
    with pytest.raises(
        UnsafeError, match="nobody has said that `rg --pre` leaves what it is given"
    ):
        forms("rg --pre VARIES x")


@pytest.mark.parametrize(
    "line",
    [
        "grep -rn VARIES src --include=VARIES_2",
        "grep -n -A 3 VARIES src/VARIES_2.py",
        "rg -n --glob '*.py' VARIES src | head -3",
        "cat VARIES | wc -l",
        "head -20 VARIES",
        "tail -n VARIES log.txt",
        "ls -la VARIES",
        "cp -r VARIES VARIES_2",
        "mv VARIES VARIES_2",
        "mkdir -p VARIES",
        "rm -rf VARIES",
        "touch VARIES",
        "cd VARIES && git add -A && git status --short",
        "find VARIES -name VARIES_2 -type f",
        "find . -name VARIES -exec grep -l VARIES_2 {} +",
        "find VARIES -name '*.pyc' -delete",
        "git add VARIES",
        "git -C VARIES --no-pager log --oneline -5",
        "git commit -q -m VARIES",
        "git commit -am VARIES",
        "git checkout -b VARIES",
        "git diff --stat VARIES -- VARIES_2",
        "git log --author=VARIES --since=VARIES_2 -n 5",
        "git show VARIES --stat",
        "git grep -n VARIES src",
        "echo VARIES > VARIES_2",
        "printf %s VARIES | tee VARIES_2",
        "cat <<< VARIES | tr a b",
        "awk -F, '$3 > 5 || $1 == 2 { print $2 }' VARIES",
        "sed 's/old/new/g; $d' VARIES",
        "sed -i 's|a/b|c|' VARIES",
        "sort -k 2 VARIES | uniq -c",
        "jq -r .name VARIES",
        "pip show VARIES",
    ],
)
def test_ordinary_commands_take_what_varies(line: str) -> None:
    assert forms(line) is not None


@pytest.mark.parametrize(
    ("line", "taken", "refused"),
    [
        ("sed -n VARIES f", "1,20p", "1e date"),
        ("make VARIES", "test-unit", "SHELL=sh"),
        ("make VARIES all", "clean", "SHELL=/tmp/sh"),
        ("sed -i VARIES f", "3p", "s/a/b/e"),
        ("make -C sub VARIES", "all", "-fother.mk"),
        ("python VARIES", "tools/check.py", "/tmp/check.py"),
        ("python3 VARIES", "check.py", "../check.py"),
        ("python -m pytest VARIES -q", "tests/test_a.py::test_b[1]", "-pplugin"),
        ("timeout 60 pytest VARIES", "tests/a.py", "@words"),
        ("uv run pytest -q VARIES", "tests", "/tmp"),
        ("npm run VARIES", "build:all", "--prefix=x"),
        ("git push origin VARIES", "anything at all", ""),
        ("git fetch VARIES", "origin", "ext::sh -c x"),
        ("git pull VARIES", "origin", "../other"),
        ("curl -s VARIES", "https://a.example/x", "file:///etc/passwd"),
    ],
)
def test_some_take_it_in_one_form_only(line: str, taken: str, refused: str) -> None:

    [form] = forms(line)
    assert not form or re.fullmatch(form, taken)
    assert not refused or re.fullmatch(form, refused) is None


@pytest.mark.parametrize(
    "lines",
    [
        ("echo VARIES > run.sh", "bash run.sh"),
        ("cat <<< VARIES > fix.py", "python fix.py"),
        ("echo VARIES | tee run.sh", "chmod +x run.sh", "./run.sh"),
        ("echo VARIES | tee run.sh copy.sh", "sh run.sh"),
        ("curl -s https://VARIES > run.sh", "bash run.sh"),
        ("git show VARIES > run.sh", "chmod +x run.sh && ./run.sh"),
        ("cp VARIES run.sh", "sh < run.sh"),
        ("echo VARIES > tests/test_a.py && pytest tests/test_a.py",),
    ],
)
def test_file_that_holds_what_varies_is_not_run(lines: tuple[str, ...]) -> None:
    with pytest.raises(UnsafeError, match="does not run what was written before"):
        forms(*lines)
    assert forms(*lines[:-1], "cat run.sh", "echo VARIES") is not None


def test_no_form_lets_an_option_through() -> None:

    wanted = {row.first for row in TABLE.values()} | {row.words for row in TABLE.values()}
    assert wanted <= {"", "*", "!", *FORMS}
    for form in FORMS.values():
        assert not form or re.fullmatch(form, "-x") is None


@pytest.mark.parametrize(
    ("form", "text", "harmless"),
    [
        ("LINES", "1,5p;7p", True),
        ("LINES", "/a/,/b/d", True),
        ("LINES", r"s/a\/b/c/2g", True),
        ("LINES", "s/a/b/;e", False),
        ("LINES", "w out", False),
        ("LINES", "r other", False),
        ("AWK", "{ print $1 }", True),
        ("AWK", '{ "date" | getline x }', False),
        ("AWK", '@load "system"', False),
    ],
)
def test_fixed_programs_of_sed_and_awk_are_looked_at(form: str, text: str, harmless: bool) -> None:
    assert is_harmless(form, text) == harmless
