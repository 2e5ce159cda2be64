//! Real programs that their parents move at random moments: same output and status as on the host, where nothing moves.

use std::fs;
use std::path::Path;

use braid_tests::booted::{Exec, Output, programs};

/// Runs the command in three tori under `mover` with this seed. It finds `program`, a file of the host, as `./program`, and
/// `./mover` and `./busybox` besides; `input` is on its standard input.
fn moved(program: &Path, seed: u32, command: &[&str], input: &str) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let mover = programs::rust("mover");
    let files = [
        (program, "program"),
        (mover, "mover"),
        (programs::busybox(), "busybox"),
    ];
    for (file, name) in files {
        fs::copy(file, directory.path().join(name)).expect("to copy");
    }
    let exec = Exec::new(mover)
        .args([seed.to_string()])
        .args(command.iter().copied())
        .stdin(input)
        .directory(directory.path());
    let output = exec.smp(4).tori(3).stats().same_as_host();
    assert!(moves(&output) > 3, "{output:?}");
    output
}

/// Processes that have come from other tori, in all.
fn moves(output: &Output) -> u64 {
    let lines = output.log.lines();
    let counts = lines.filter_map(|line| line.split_once(": migrations_in "));
    let counts = counts.map(|(_, count)| count.trim().parse::<u64>().expect("a number"));
    counts.sum()
}

/// Pipelines of a shell that is moved, and of commands that are moved besides, whose shell and mover move with them.
const PIPELINES: &str = "
    b=./busybox
    $b seq 1 20000 | $b sort -r | $b md5sum
    $b seq 1 20000 | ./mover 7 $b sort -r | ./mover 8 $b md5sum
    $b seq 1 30000 > /tmp/mover.$$
    $b gzip -c /tmp/mover.$$ | ./mover 9 $b gunzip | $b wc
    $b rm /tmp/mover.$$
    for i in 1 2 3 4 5; do x=$(echo $i | $b tr 1-5 a-e); (exit $i) & wait $!; echo $x $?; done
    trap 'echo got' USR1; kill -USR1 $$; $b sleep 0.1 & wait; exit 9";

#[test]
fn pipelines_of_busybox() {
    for seed in 1..=4 {
        let output = moved(
            programs::busybox(),
            seed,
            &["./busybox", "sh", "-c", PIPELINES],
            "",
        );
        assert_eq!(output.status, 9, "{output:?}");
    }
}

const LUA: &str = r#"
    local parts = {}
    for i = 1, 6000 do parts[#parts + 1] = string.format("%d:%x;", i * 7919 % 60013, i) end
    table.sort(parts)
    local text = table.concat(parts)
    local sum = 0
    for a, b in text:gmatch("(%d+):(%x+);") do sum = (sum * 31 + tonumber(a) + tonumber(b, 16)) % 2^32 end
    for _ = 1, 5 do local t = {}; for i = 1, 2000 do t[i] = {i, tostring(i)} end end
    collectgarbage()
    local step = coroutine.wrap(function() for i = 1, 1000 do coroutine.yield(i * i) end end)
    local squares = 0; for _ = 1, 1000 do squares = squares + step() end
    print(#text, sum, squares, parts[1], parts[6000])
    os.exit(21, true)"#;

#[test]
fn lua() {
    for program in programs::real("lua") {
        for seed in 1..=3 {
            let output = moved(&program, seed, &["./program"], LUA);
            assert_eq!(output.status, 21, "{output:?}");
        }
    }
}

/// Rows that are sorted by something that no index knows, joined, changed and checked.
const SQL: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, s TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO t SELECT i, (i * 7919) % 20011, printf('row %d %s', i, hex(i * i)) FROM n;
    SELECT id, k, s FROM (SELECT * FROM t ORDER BY s DESC, k) LIMIT 5;
    CREATE INDEX by_text ON t(s, k);
    SELECT count(*), total(length(a.s)) FROM t a JOIN t b ON a.k = b.id;
    UPDATE t SET s = upper(s) WHERE k % 3 = 0; DELETE FROM t WHERE id % 5 = 1;
    SELECT count(*), sum(s GLOB 'ROW*') FROM t; PRAGMA integrity_check;";

#[test]
fn sqlite() {
    for program in programs::real("sqlite3") {
        for seed in 1..=3 {
            let output = moved(&program, seed, &["./program", ":memory:"], SQL);
            assert!(output.stdout.ends_with("\nok\n"), "{output:?}");
        }
    }
}
