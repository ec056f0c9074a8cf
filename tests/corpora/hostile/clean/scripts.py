"""Clean scripts: POSIX shell, bash, and Python that is run with words."""

from corpora.hostile.form import clean_family, script

FAMILIES = (
    clean_family(
        "shell-text",
        "open",
        script(
            "columns.sh",
            r"""
            #!/bin/sh
            # Print one column of comma-separated input: columns.sh NUMBER
            set -eu
            number=${1:?column number}
            cut -d, -f"$number"
            """,
            [
                {"argv": ["2"], "stdin": "a,b,c\n1,2,3\n"},
                {"argv": ["1"], "stdin": ""},
                {"argv": ["9"], "stdin": "a,b\n"},
                {"argv": ["1"], "stdin": "plain\n"},
            ],
        ),
        script(
            "unique_words.sh",
            r"""
            #!/bin/sh
            # Count the different words of the input, most frequent first.
            LC_ALL=C
            export LC_ALL
            tr -cs 'A-Za-z' '\n' | tr 'A-Z' 'a-z' | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2 | awk '{print $2, $1}'
            """,
            [
                {"stdin": "The cat the dog"},
                {"stdin": ""},
                {"stdin": "a-b a_b"},
                {"stdin": "One\none\nONE two"},
            ],
        ),
        script(
            "number_lines.sh",
            r"""
            #!/bin/sh
            # Number the lines that are not empty; an argument sets the first number.
            start=${1:-1}
            awk -v n="$start" 'NF { printf "%3d  %s\n", n++, $0; next } { print }'
            """,
            [
                {"stdin": "a\n\nb\n"},
                {"argv": ["10"], "stdin": "x\n"},
                {"stdin": ""},
                {"argv": ["0"], "stdin": "one\ntwo\n"},
            ],
        ),
    ),
    clean_family(
        "shell-files",
        "open",
        script(
            "largest.sh",
            r"""
            #!/bin/sh
            # List files of the work folder by size: largest.sh [COUNT]
            set -u
            find . -type f -exec wc -c {} + | grep -v ' total$' | sort -k1,1nr -k2 | head -n "${1:-3}" | sed 's/^ *//'
            """,
            [
                {"files": {"a": "12345", "b/c": "1"}},
                {"argv": ["1"], "files": {"x": "1", "y": "22"}},
                {"files": {"only": ""}},
                {"argv": ["2"], "files": {"p": "aaa", "q": "bb", "r": "c"}},
            ],
        ),
        script(
            "rename_spaces.sh",
            r"""
            #!/bin/sh
            # Replace blanks in file names by dashes and say what was done.
            for name in *" "*; do
              [ -e "$name" ] || continue
              new=$(printf '%s' "$name" | tr ' ' '-')
              if [ -e "$new" ]; then
                echo "skipped $name"
              else
                mv -- "$name" "$new" && echo "$name -> $new"
              fi
            done
            """,
            [
                {"files": {"a b": "1"}},
                {"files": {"a b": "1", "a-b": "2"}},
                {"files": {"plain": "x"}},
                {"files": {"x y z": "", "p q": ""}},
            ],
            paths=["*"],
        ),
        script(
            "check_sums.sh",
            r"""
            #!/bin/sh
            # Print SHA-256 sums of the given files, sorted by name; exit 1 where one is missing.
            status=0
            for name in "$@"; do
              if [ -f "$name" ]; then
                sha256sum -- "$name"
              else
                echo "missing: $name"
                status=1
              fi
            done | sort -k2
            [ "$#" -gt 0 ] || status=1
            exit $status
            """,
            [
                {"argv": ["a"], "files": {"a": "x"}},
                {"argv": []},
                {"argv": ["b", "a"], "files": {"a": "", "b": "1"}},
                {"argv": ["none"]},
            ],
        ),
    ),
    clean_family(
        "bash-tools",
        "open",
        script(
            "join_by.sh",
            r"""
            #!/usr/bin/env bash
            # Join words by a separator: join_by.sh SEPARATOR WORD...
            set -euo pipefail
            separator=${1-,}
            shift || true
            joined=
            for word in "$@"; do joined+="${joined:+$separator}$word"; done
            printf '%s\n' "$joined"
            """,
            [
                {"argv": [",", "a", "b"]},
                {"argv": [" - ", "x"]},
                {"argv": []},
                {"argv": ["::", "1", "2", "3"]},
            ],
            runtime="bash",
        ),
        script(
            "semver_max.sh",
            r"""
            #!/usr/bin/env bash
            # The highest of the versions on standard input.
            best=
            while IFS= read -r line; do
              [[ $line =~ ^v?([0-9]+)\.([0-9]+)\.([0-9]+)$ ]] || continue
              key=$(printf '%05d%05d%05d' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}")
              if [[ $key > ${best%% *} ]]; then best="$key $line"; fi
            done
            [[ -n $best ]] || { echo none; exit 1; }
            echo "${best#* }"
            """,
            [
                {"stdin": "1.2.3\n1.10.0\nv1.9.9\n"},
                {"stdin": ""},
                {"stdin": "x\n0.0.1\n"},
                {"stdin": "2.0.0\n10.0.0\n"},
            ],
            runtime="bash",
        ),
        script(
            "encode_env.sh",
            r"""
            #!/usr/bin/env bash
            # Encode name=value words as base64 lines, as a secret store's import form wants them.
            for pair in "$@"; do
              [[ $pair == *=* ]] || { echo "not name=value: $pair"; exit 1; }
              printf '%s: %s\n' "${pair%%=*}" "$(printf '%s' "${pair#*=}" | base64 -w0)"
            done
            """,
            [
                {"argv": ["user=ada", "mode=ro"]},
                {"argv": []},
                {"argv": ["oops"]},
                {"argv": ["k="]},
            ],
            runtime="bash",
        ),
    ),
    clean_family(
        "python-tools",
        "open",
        script(
            "pretty_json.py",
            r'''
            """Print JSON from standard input with sorted keys; an argument sets the indentation."""
            import json
            import sys


            def main(words):
                try:
                    value = json.load(sys.stdin)
                except ValueError as error:
                    print(f"not JSON: {error}")
                    return 1
                print(json.dumps(value, indent=int(words[0]) if words else 2, sort_keys=True))
                return 0


            if __name__ == "__main__":
                sys.exit(main(sys.argv[1:]))
            ''',
            [
                {"stdin": '{"b": 1, "a": [1]}'},
                {"argv": ["0"], "stdin": "[1, 2]"},
                {"stdin": "{"},
                {"stdin": "null"},
            ],
            runtime="python",
        ),
        script(
            "todo_scan.py",
            r'''
            """List TODO marks of Python files in the work folder."""
            import pathlib
            import re
            import sys

            for path in sorted(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").rglob("*.py")):
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                    match = re.search(r"#\s*TODO\s*:?\s*(.*)", line)
                    if match:
                        print(f"{path.as_posix()}:{number}: {match[1]}")
            ''',
            [
                {"files": {"a.py": "x = 1  # TODO: tidy\n"}},
                {"files": {"b.txt": "# TODO no"}},
                {"argv": ["src"], "files": {"src/m.py": "# TODO\n", "n.py": "# TODO out"}},
                {"files": {"c.py": "pass\n"}},
            ],
            runtime="python",
        ),
        script(
            "csv_stats.py",
            r'''
            """Minimum, mean and maximum of each numeric column of a CSV on standard input."""
            import csv
            import sys

            columns = {}
            for row in csv.DictReader(sys.stdin):
                for name, cell in row.items():
                    try:
                        columns.setdefault(name, []).append(float(cell))
                    except (TypeError, ValueError):
                        continue
            for name, values in sorted(columns.items()):
                if values:
                    print(f"{name}: {min(values):g} {sum(values) / len(values):.3g} {max(values):g}")
            ''',
            [
                {"stdin": "a,b\n1,x\n3,y\n"},
                {"stdin": ""},
                {"stdin": "n\n-1\n1\n"},
                {"stdin": "p,q\n1,2\n,4\n"},
            ],
            runtime="python",
        ),
    ),
    clean_family(
        "shell-records",
        "held",
        script(
            "sum_field.sh",
            r"""
            #!/bin/sh
            # Add up a field per name: sum_field.sh NAME_FIELD VALUE_FIELD
            set -eu
            for field in "${1-}" "${2-}"; do
              case $field in
                ''|*[!0-9]*|?????*) echo "not a field: $field"; exit 2 ;;
              esac
            done
            awk -v OFMT=%.12g -v k="$1" -v v="$2" '{ s[$k] += $v } END { for (n in s) print n, s[n] }' | LC_ALL=C sort
            """,
            [
                {"argv": ["1", "2"], "stdin": "a 1\nb 2\na 3\n"},
                {"argv": ["1", "2"], "stdin": ""},
                {"argv": ["2", "1"], "stdin": "5 x\n"},
                {"argv": ["1", "3"], "stdin": "q w 1.5\n"},
            ],
        ),
        script(
            "between.sh",
            r"""
            #!/bin/sh
            # Print the lines between two marks: between.sh START END
            start=${1:-BEGIN}
            end=${2:-END}
            A="$start" B="$end" awk '$0 "" == ENVIRON["B"] { on = 0 } on { print } $0 "" == ENVIRON["A"] { on = 1 }'
            """,
            [
                {"stdin": "x\nBEGIN\ny\nEND\nz\n"},
                {"argv": ["<", ">"], "stdin": "<\n1\n>\n<\n2\n"},
                {"stdin": ""},
                {"stdin": "BEGIN\n"},
            ],
        ),
        script(
            "first_fit.sh",
            r"""
            #!/bin/sh
            # Say which of the named programs is installed first on the path.
            for name in "$@"; do
              if command -v -- "$name" >/dev/null 2>&1; then
                printf '%s\n' "$name"
                exit 0
              fi
            done
            printf 'none of: %s\n' "$*"
            exit 1
            """,
            [
                {"argv": ["no-such-tool-a", "sh"]},
                {"argv": []},
                {"argv": ["no-such-tool-b"]},
                {"argv": ["cat", "sh"]},
            ],
        ),
    ),
    clean_family(
        "bash-records",
        "held",
        script(
            "table_row.sh",
            r"""
            #!/usr/bin/env bash
            # A Markdown table row of the words, bars escaped.
            row='|'
            for word in "$@"; do
              word=${word//$'\n'/ }
              row+=" ${word//|/\\|} |"
            done
            printf '%s\n' "$row"
            """,
            [{"argv": ["a", "b"]}, {"argv": []}, {"argv": ["x|y"]}, {"argv": ["", "é"]}],
            runtime="bash",
        ),
        script(
            "count_down.sh",
            r"""
            #!/usr/bin/env bash
            # Count down from a number with a short pause between lines.
            from=${1:-3}
            [[ $from =~ ^(1?[0-9]|20)$ ]] || { echo "0 to 20"; exit 2; }
            while (( from > 0 )); do
              echo "$from"
              (( from-- ))
              sleep 0.01
            done
            echo go
            """,
            [{"argv": ["2"]}, {"argv": ["x"]}, {"argv": ["0"]}, {"argv": ["21"]}],
            runtime="bash",
        ),
        script(
            "hex_words.sh",
            r"""
            #!/usr/bin/env bash
            # Hexadecimal of each line and back: hex_words.sh [-d]
            while IFS= read -r line || [[ -n $line ]]; do
              if [[ ${1-} == -d ]]; then
                if [[ $line == *[!0-9A-Fa-f]* ]] || (( ${#line} % 2 )); then
                  echo "not hexadecimal"
                  exit 1
                fi
                printf '%b\n' "$(sed 's/\(..\)/\\x\1/g' <<<"$line")"
              else
                printf '%s' "$line" | od -An -v -tx1 | tr -d ' \n'
                echo
              fi
            done
            """,
            [
                {"stdin": "abc\n"},
                {"argv": ["-d"], "stdin": "616263\n"},
                {"stdin": ""},
                {"stdin": "one\ntwo\n"},
            ],
            runtime="bash",
        ),
    ),
    clean_family(
        "python-records",
        "held",
        script(
            "line_lengths.py",
            r'''
            """Print how many lines of standard input have which length, in steps of ten."""
            import collections
            import sys

            sys.stdin.reconfigure(errors="replace")
            counts = collections.Counter(len(row.rstrip("\n")) // 10 * 10 for row in sys.stdin)
            for start in sorted(counts):
                print(f"{start:>4}-{start + 9:<4} {counts[start]}")
            ''',
            [
                {"stdin": "short\n" + "x" * 25 + "\n"},
                {"stdin": ""},
                {"stdin": "\n\n"},
                {"stdin": "a" * 9 + "\n" + "b" * 10 + "\n"},
            ],
            runtime="python",
        ),
        script(
            "toml_keys.py",
            r'''
            """List the keys of TOML files in the work folder that match a pattern: toml_keys.py [PATTERN]"""
            import fnmatch
            import pathlib
            import sys
            import tomllib


            def keys(table, prefix=""):
                for name, inner in table.items():
                    yield prefix + name
                    if isinstance(inner, dict):
                        yield from keys(inner, f"{prefix}{name}.")


            pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
            for place in sorted(pathlib.Path(".").glob("*.toml")):
                try:
                    names = list(keys(tomllib.loads(place.read_text(encoding="utf-8"))))
                except (OSError, ValueError, RecursionError):
                    print(f"{place.name}: not TOML")
                    continue
                for name in names:
                    if fnmatch.fnmatch(name, pattern):
                        print(f"{place.name}: {name}")
            ''',
            [
                {"files": {"a.toml": "x = 1\n[t]\ny = 2\n"}},
                {"argv": ["t.*"], "files": {"a.toml": "[t]\ny = 2\n"}},
                {"files": {"b.toml": "= bad"}},
                {"files": {"c.txt": "x = 1"}},
            ],
            runtime="python",
        ),
        script(
            "number_words.py",
            r'''
            """Replace the digits 0 to 12 that stand alone in a text by words."""
            import re
            import sys

            WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


            def spelled(match):
                number = int(match[0])
                return WORDS[number] if number < len(WORDS) else match[0]


            sys.stdin.reconfigure(errors="replace")
            sys.stdout.write(re.sub(r"(?<![\w.,])\d{1,2}(?![\w%]|[.,]\d)", spelled, sys.stdin.read()))
            ''',
            [
                {"stdin": "I have 3 cats and 13 dogs.\n"},
                {"stdin": ""},
                {"stdin": "1.5 and 2, then 7\n"},
                {"stdin": "50% of 12\n"},
            ],
            runtime="python",
        ),
    ),
)
