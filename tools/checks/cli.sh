#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# cli.sh ROOT VBLK: the command line keeps its promises: exit statuses, and one clear sentence where something is wrong.
set -eu
root=$1
vblk=$2
[ -x "$vblk" ] || { echo "there is no program $vblk"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
count=0
unset VBLK_VECTORS

bad()
{
    echo "FAILED: $*"
    sed 's/^/    /' "$dir/out" "$dir/err" | head -n 20
    failed=1
}

# expect STATUS 'GREP PATTERN' ARGUMENTS…: how it ends, and what standard output (0, 1, 77) or standard error (2) says.
# With status 2 that is exactly one line, and standard output stays empty.
expect()
{
    status=$1
    pattern=$2
    shift 2
    count=$((count + 1))
    got=0
    "$vblk" "$@" >"$dir/out" 2>"$dir/err" </dev/null || got=$?
    [ "$got" -eq "$status" ] || { bad "vblk $*: status $got, not $status"; return 0; }
    where=$dir/out
    if [ "$status" -eq 2 ]; then
        where=$dir/err
        [ "$(wc -l <"$dir/err")" -eq 1 ] || bad "vblk $*: not one sentence"
        [ ! -s "$dir/out" ] || bad "vblk $*: something on standard output"
    else
        [ ! -s "$dir/err" ] || bad "vblk $*: something on standard error"
    fi
    grep -qe "$pattern" "$where" || bad "vblk $*: no '$pattern'"
}

# vectors NAME STATUS-WORD: a directory with one case that expects STATUS-WORD of a read.
vectors()
{
    mkdir -p "$dir/$1/blk-request"
    cat >"$dir/$1/blk-request/BLK-OP-08.json" <<END
{ "vector": 1, "clause": "BLK-OP-08", "summary": "s", "consequence": "data is lost", "cases": [
  { "name": "plain", "kind": "target", "what": "Reads a sector.", "steps": [
    { "do": "start" },
    { "do": "submit", "name": "r", "type": "IN", "sector": 0, "in": 512 },
    { "do": "expect", "name": "r", "status": "$2" } ] } ] }
END
}
vectors good OK
vectors wrong UNSUPP
mkdir "$dir/empty" "$dir/broken" "$dir/broken/x"
echo '{ "vector": 1, }' >"$dir/broken/x/y.json"
good="--vectors $dir/good"
wrong="--vectors $dir/wrong"

# The command itself
expect 0 '^vblk [0-9]' --version
expect 0 'vblk test' --help
expect 2 'no command' 
expect 2 "no command 'tset'" tset
for later in probe; do
    expect 2 'does not have this command yet' $later
done
for command in test check vectors clauses report mutants; do
    expect 0 "Usage: vblk $command" $command --help
    expect 2 "'--no-such'" $command --no-such
done

# What can't be used
expect 2 "'--seed' needs a value" test --seed
expect 2 'what is .plain' test plain
expect 2 'unknown profile' test --profile 1.9
expect 2 "'frobnicate'" test --profile 1.2+provision --provision-numbers frobnicate
expect 2 'provision-numbers' test --provision-numbers 5,15,72
expect 2 'ZONED' test --profile 1.4+provision --provision-numbers 17,15,72
expect 2 'unknown level' test --level lax
expect 2 'AMB-99' test --reading AMB-99=x
expect 2 'AMB-02' test --reading AMB-02=whatever
expect 2 'unknown ring' test --ring round
expect 2 'whole number' test --seed -1
expect 2 'whole number' test --seed 1x
expect 2 'seconds' test --timeout 0
expect 2 'seconds' test --timeout nan
expect 2 'must or should' test --fail-on may
expect 2 'auto, always or never' test --color mauve
expect 2 'does not have --plugin yet' test --plugin x.so
expect 2 'does not have --pci yet' test --pci 0000:00:01.0
expect 2 'No such file' test $good --record "$dir/no/x"
expect 2 "$dir/no.sock" test $good --vhost-user "$dir/no.sock"
expect 2 'socket' test $good --vhost-user ''
expect 2 'needs --memory FILE' test $good --qtest "$dir/no.sock"
expect 2 'goes with --qtest' test $good --memory "$dir/no.ram"
expect 2 "$dir/no.ram" test $good --qtest "$dir/no.sock" --memory "$dir/no.ram"
expect 2 'unknown report format' test $good --report yaml
expect 2 "$dir/none/r.json" test $good --report "json:$dir/none/r.json"
expect 2 "$dir/none/r.json" test $wrong --report text --report "json:$dir/none/r.json"
expect 2 '/dev/full' test $good --report json:/dev/full
expect 2 "$dir/none" test --vectors "$dir/none"
expect 2 'no vectors' test --vectors "$dir/empty"
expect 2 'y.json:1:' test --vectors "$dir/broken"
expect 2 'fits no area' test $good --area provison
expect 2 'fits no clause' test $good --clause BLK-OP-99
expect 2 'fits no case' test $good --case no-such
expect 2 'expect.toml' test $good --expect "$dir/expect.toml"

# Runs
expect 0 'no violation' test $good
expect 0 'no violation' test $good --builtin --profile 1.2 --level strict --reading AMB-02=ignore --seed 0x10
expect 1 'again .*vblk test .*--seed 1 --ring split --case' test $wrong
expect 1 'FAIL  BLK-OP-08' test $wrong
expect 77 'nothing could be exercised' test $good --clause PROV-DEV-01
expect 0 '^run .*blk-request/BLK-OP-08/plain$' test $good --list
expect 77 '^0 cases$' test $good --list --case '!plain'
printf '[[expect]]\nclause = "BLK-OP-08"\nreason = "known"\n' >"$dir/expect.toml"
expect 0 'EXPECTED FAIL  BLK-OP-08' test $wrong --expect "$dir/expect.toml"
expect 1 'UNEXPECTED PASS  BLK-OP-08' test $good --expect "$dir/expect.toml"
printf '[[expect]]\nclause = "NO-1"\nreason = "known"\n' >"$dir/expect.toml"
expect 2 'expect.toml:1: ' test $good --expect "$dir/expect.toml"
expect 0 '\[32m' test $good --color always
VBLK_VECTORS=$dir/none
export VBLK_VECTORS
expect 2 "$dir/none" test
unset VBLK_VECTORS

# The replay command of a finding shows it again.
"$vblk" test $wrong --ring split >"$dir/out" || :
again=$(sed -n 's/^ *again *vblk //p' "$dir/out" | head -n 1)
[ -n "$again" ] || bad "no command to see it again"
count=$((count + 1))
if eval "\"$vblk\" $again" >"$dir/again"; then
    bad "'$again' does not show it again"
fi
cmp -s "$dir/out" "$dir/again" || bad "'$again' shows something else"

"$vblk" test $wrong --ring packed >"$dir/out" || :
again=$(sed -n 's/^ *again *vblk //p' "$dir/out" | head -n 1)
eval "\"$vblk\" $again" >"$dir/again" || :
cmp -s "$dir/out" "$dir/again" || bad "'$again' shows something else on the packed ring"

# Rings
expect 1 'rings split and packed' test $wrong
expect 0 '2 played (1 split, 1 packed)' test $good
expect 0 '1 played (1 split, 0 packed)' test $good --case '!*@packed'
expect 0 '^run .*BLK-OP-08/plain@packed$' test $good --list
expect 0 '^2 cases$' test $good --list --ring both --case plain
expect 0 '^1 case$' test $good --list --case '*@packed'
expect 0 '^1 case$' test $good --list --ring split
expect 0 '^16 cases$' test $good --list --ring both --area differential
expect 0 '16 played (8 split, 8 packed)' test $good --ring both --area differential
expect 0 '^run .*FRAME-DEV-01/packed-indirect$' test $good --list --ring both --case 'differential/*/packed-indirect'

# Reports
"$vblk" test $wrong --report "json:$dir/a.json" --report "junit:$dir/a.xml" --report "tap:$dir/a.tap" \
    --report "html:$dir/a.html" --report "markdown:$dir/a.md" --report "text:$dir/a.txt" >"$dir/out" 2>"$dir/err" || :
[ ! -s "$dir/out" ] || bad "reports that go to files are on standard output, too"
for file in a.json a.xml a.tap a.html a.md a.txt; do
    grep -q BLK-OP-08 "$dir/$file" || bad "$file lacks the finding"
done
"$vblk" test $wrong --report "json:$dir/b.json" || :
cmp -s "$dir/a.json" "$dir/b.json" || bad "two runs of the same give different reports"
expect 0 'FAIL  BLK-OP-08' report "$dir/a.json"
expect 0 '<testsuites' report "$dir/a.json" --to junit
"$vblk" report "$dir/a.json" --to "json:$dir/c.json"
cmp -s "$dir/a.json" "$dir/c.json" || bad "a report that is read and written again differs"
"$vblk" test $good --report "json:$dir/d.json"
expect 0 'FAIL  BLK-OP-08' report "$dir/d.json" "$dir/a.json"
expect 2 'no report given' report
expect 2 'none.json' report "$dir/none.json"
expect 2 'expect.toml' report "$dir/expect.toml"
expect 2 'unknown report format' report "$dir/a.json" --to yaml

# A signal ends the run; what was found is not lost.
mkdir -p "$dir/long/blk-request"
cat >"$dir/long/blk-request/BLK-OP-08.json" <<END
{ "vector": 1, "clause": "BLK-OP-08", "summary": "s", "consequence": "data is lost", "cases": [
  { "name": "long", "kind": "target", "what": "Reads for a long time.", "sweep": { "n": "0..999", "m": "0..3" },
    "steps": [ { "do": "start" },
      { "do": "repeat", "times": 100, "steps": [
        { "do": "submit", "name": "r", "type": "IN", "sector": "n", "in": 65536 } ] } ] } ] }
END
for signal in INT TERM; do
    count=$((count + 1))
    "$vblk" test --vectors "$dir/long" --timeout 60 --report "json:$dir/e.json" >"$dir/out" 2>"$dir/err" &
    pid=$!
    sleep 0.3
    kill -$signal $pid
    got=0
    wait $pid || got=$?
    [ $got -eq 2 ] || bad "SIG$signal ends a run with status $got"
    grep -q '"interrupted"' "$dir/e.json" || bad "after SIG$signal the report does not say so"
done

# Clauses
expect 0 '^PROV-DEV-01 .*MUST ' clauses
expect 0 '820 clauses:' clauses
expect 0 'evidence ' clauses PROV-DEV-01
expect 0 'plain' clauses $good BLK-OP-08
expect 0 'default ' clauses AMB-02
expect 0 'AMB-02' clauses PROV-DEV-05
expect 0 'AMB-33' clauses --ambiguities
expect 0 '91 clauses:' clauses --area provision
expect 0 ' 0 pending' clauses --standing checked
expect 0 'clauses:' clauses --bound driver
expect 2 'unknown standing' clauses --standing sitting
expect 2 'unknown party' clauses --bound nobody
expect 2 "'PROV-DEV-99'" clauses PROV-DEV-99
expect 2 "no clause or ambiguity 'PROV-DEV-01' that the other options" clauses --area safety PROV-DEV-01
expect 2 'fits no area' clauses --area provison

if "$vblk" clauses >/dev/full 2>"$dir/err"; then
    bad "a full standard output goes unnoticed"
fi
echo "$count command lines"
[ $failed -eq 0 ]
