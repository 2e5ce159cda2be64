//! Real static programs (SQLite, Lua, Zstandard): same output and status as on the host. `BRAID_PROGRAMS=DIR` names a
//! directory with other static builds of `sqlite3`, `lua` and `zstd`, which are then run too.

use std::fs;
use std::path::PathBuf;

use braid_tests::booted::{Exec, Output, programs};

/// A directory that is the machine's root, and the current one on the host: the program, its inputs, and busybox.
struct Place(tempfile::TempDir);

impl Place {
    fn new(program: &PathBuf, files: &[(&str, &[u8])]) -> Place {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(program, directory.path().join("program")).unwrap();
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        Place(directory)
    }

    /// The program itself.
    fn exec<const N: usize>(&self, words: [&str; N]) -> Exec {
        Exec::new(self.0.path().join("program"))
            .args(words)
            .directory(self.0.path())
    }

    /// A script that runs the program as `./program`, and has a directory `$d` of its own in `/tmp`.
    fn script(&self, script: &str) -> Output {
        let script = format!("d=$(mktemp -d /tmp/real.XXXXXX) || exit 99\n{script}\nrm -r $d");
        Exec::sh(&script).directory(self.0.path()).same_as_host()
    }
}

mod sqlite {
    use super::{Place, programs};

    /// Makes 100,000 rows and sorts them by something that no index knows, twice.
    const SORT: &str = "
        CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, s TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO t SELECT i, (i * 7919) % 100003, printf('row %d %s', i, hex(i * i)) || char(i % 26 + 97) FROM n;
        SELECT count(*), sum(k), min(s), max(length(s)), avg(k) FROM t;
        SELECT id, k, s FROM (SELECT * FROM t ORDER BY s DESC, k) LIMIT 5;
        CREATE INDEX by_text ON t(s, k);
        SELECT count(*), total(length(a.s)) FROM t a JOIN t b ON a.k = b.id;
        SELECT id % 7 AS g, count(DISTINCT substr(s, -3)), group_concat(DISTINCT id % 3) FROM t GROUP BY g ORDER BY g;
        UPDATE t SET s = upper(s) WHERE k % 3 = 0; DELETE FROM t WHERE id % 5 = 1;
        SELECT count(*), sum(s GLOB 'ROW*') FROM t; PRAGMA integrity_check;
        SELECT row_number() OVER (ORDER BY k DESC), lag(id) OVER (ORDER BY k DESC) FROM t LIMIT 3;";

    const TRANSACTIONS: &str = "
        CREATE TABLE a(x UNIQUE, y REAL);
        BEGIN; INSERT INTO a VALUES ('one', 1.5), ('two', 1e300 * 10); COMMIT;
        BEGIN; INSERT INTO a VALUES (NULL, -0.25); ROLLBACK;
        SELECT * FROM a ORDER BY x; SELECT sqrt(2.0) IS NULL;";

    #[test]
    fn in_memory() {
        for program in programs::real("sqlite3") {
            let place = Place::new(&program, &[]);
            let output = place.exec([":memory:", SORT]).same_as_host();
            assert!(output.stdout.starts_with("100000|"), "{output:?}");
            assert!(output.stdout.contains("\nok\n"), "{output:?}");
        }
    }

    /// Four processes at a time insert into one file in /tmp: no row is lost.
    #[test]
    fn several_writers() {
        for program in programs::real("sqlite3") {
            let output = Place::new(&program, &[]).script(
                "./program $d/db 'CREATE TABLE t(w, i)'
                write() {
                    for i in $(seq 1 10); do
                        ./program $d/db \"PRAGMA busy_timeout = 100000; INSERT INTO t VALUES ($1, $i)\" >> $d/log || echo failed
                    done
                }
                for w in 1 2 3 4; do write $w & done
                wait
                ./program $d/db 'SELECT count(*), count(DISTINCT w * 100 + i) FROM t; PRAGMA integrity_check'",
            );
            assert_eq!(output.stdout, "40|40\nok\n", "{output:?}");
        }
    }

    #[test]
    fn in_a_file() {
        for program in programs::real("sqlite3") {
            let place = Place::new(&program, &[("sort.sql", SORT.as_bytes())]);
            let output = place.script(
                "./program $d/db < sort.sql || exit 1
                ./program $d/db 'PRAGMA integrity_check; SELECT count(*), sum(id * k) FROM t'
                ./program $d/db 'PRAGMA journal_mode = TRUNCATE; DELETE FROM t WHERE id < 90000; VACUUM; SELECT count(*) FROM t'
                ls $d; test $(stat -c %s $d/db) -lt 3000000 && sha256sum < $d/db",
            );
            assert!(output.stdout.contains("100000|"), "{output:?}");
        }
    }

    #[test]
    fn errors() {
        for program in programs::real("sqlite3") {
            let place = Place::new(
                &program,
                &[(
                    "text",
                    "no database, but long enough\n".repeat(100).as_bytes(),
                )],
            );
            place.exec([":memory:"]).stdin(TRANSACTIONS).same_as_host();
            let failing = [
                [":memory:", "SELECT 1; SELEC 2"],
                [
                    ":memory:",
                    "CREATE TABLE a(x CHECK (x > 0)); INSERT INTO a VALUES (1), (-1)",
                ],
                ["text", "SELECT * FROM a"],
                ["none/db", "SELECT 1"],
            ];
            for words in failing {
                assert_eq!(place.exec(words).same_as_host().status, 1, "{words:?}");
            }
        }
    }
}

mod lua {
    use super::{Place, programs};

    const SCRIPT: &str = r#"
        -- Closures, upvalues, metatables, coroutines.
        local function counter(step) local n = 0; return function() n = n + step; return n end end
        local by2, by3 = counter(2), counter(3)
        by2(); by3(); print(by2(), by3())
        local point = setmetatable({x = 3, y = 4}, {
            __index = function(_, key) return "no " .. key end,
            __tostring = function(p) return "(" .. p.x .. "," .. p.y .. ")" end,
            __add = function(a, b) return a.x + b.x end, __close = function() print("closed") end})
        do local _ <close> = point; print(tostring(point), point.z, point + point) end
        local generate = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
        print(generate(), generate(), generate())

        -- Strings and the collector.
        local parts = {}
        for i = 1, 100000 do parts[#parts + 1] = string.format("%d:%x;", i, i * i) end
        local text = table.concat(parts)
        print(#text, select(2, text:gsub("[02468];", "")), text:find("77777:", 1, true), text:sub(-12))
        local sum = 0
        for a, b in text:gmatch("(%d+):(%x+);") do sum = sum + tonumber(a) + tonumber(b, 16) end
        print(sum)
        for _ = 1, 20 do local t = {}; for i = 1, 20000 do t[i] = {i, tostring(i)} end end
        collectgarbage(); print(collectgarbage("count") < 20000)
        table.sort(parts); print(parts[1], parts[50000], utf8.len("grüße"), string.pack("<i4", -2):byte(1, -1))

        -- Numbers.
        print(1 // 0.0, -7 // 2, -7 % 3, 2^53, 10 / 3, math.tointeger(3.0), 1e15, 0x7fffffffffffffff + 1, math.pi)
        math.randomseed(42); print(math.random(1000), math.random(1000))

        -- Errors.
        print(pcall(error, {code = 7}) , select(2, pcall(error, "plain", 0)))
        print(pcall(function() local n; return n.field end))
        print(xpcall(function() return 1 + {} end, function(m) return "handled: " .. m end))
        print(pcall(function() local function f() return f() + 1 end; return f() end) == false)
        print(load("x = = 1")); print(pcall(string.rep, "x", -1))

        -- Files and standard input.
        print(io.open("none/such"))
        local name = os.tmpname()
        local file = assert(io.open(name, "w+b"))
        file:write(text, "\n", 12, " ", 0.5, "\n"); print(file:seek("cur"), file:seek("set", 10), file:read(10))
        file:seek("end", -7); print(file:read("n", "n")); file:close()
        local lines = 0; for line in io.lines(name) do lines = lines + #line end
        print(lines, os.remove(name), (io.open(name)))
        print(io.read("l"), io.read("n"), io.read("n"), io.read("L"), #io.read("a"), io.read("l"))
        print(os.getenv("HOME"), os.getenv("NONE"), os.date("!%Y-%m-%d %H:%M:%S", 86399), #arg, arg[1], arg[2])
        print(os.clock() >= 0, os.time() > 1.6e9)
        io.stderr:write("to stderr\n"); io.stdout:write("no newline")
        os.exit(tonumber(arg[1]), true)
    "#;

    #[test]
    fn script() {
        for program in programs::real("lua") {
            let place = Place::new(&program, &[("script.lua", SCRIPT.as_bytes())]);
            let input = format!("first line\n12 0x1F rest\n{}", "more\n".repeat(10_000));
            let output = place
                .exec(["script.lua", "42", "two words"])
                .stdin(input)
                .same_as_host();
            assert_eq!(output.status, 42, "{output:?}");
            assert!(output.stdout.ends_with("no newline"), "{output:?}");
        }
    }

    #[test]
    fn endings() {
        let scripts: [(&str, i32); 5] = [
            ("os.exit(true)", 0),
            ("os.exit(false)", 1),
            ("io.write('x'); os.exit(200)", 200),
            ("local t = nil; t.x = 1", 1),
            ("error('as asked')", 1),
        ];
        for program in programs::real("lua") {
            let files: Vec<(String, &str)> = scripts
                .iter()
                .enumerate()
                .map(|(index, (script, _))| (format!("{index}.lua"), *script))
                .collect();
            let files: Vec<(&str, &[u8])> = files
                .iter()
                .map(|(name, script)| (name.as_str(), script.as_bytes()))
                .collect();
            let place = Place::new(&program, &files);
            let script = "for s in *.lua; do ./program $s; echo \" $s $?\"; done";
            let output = place.script(script);
            for (index, (_, status)) in scripts.iter().enumerate() {
                assert!(
                    output.stdout.contains(&format!(" {index}.lua {status}\n")),
                    "{output:?}"
                );
            }
        }
    }

    #[test]
    fn processes() {
        let script = "print(os.execute('exit 3')); print(os.execute('kill -9 $$'))
            local pipe = io.popen('echo from a child; exit 5'); print(pipe:read('a')); print(pipe:close())
            local into = io.popen('sort', 'w'); into:write('b\\na\\n'); print(into:close())";
        for program in programs::real("lua") {
            let place = Place::new(&program, &[("script.lua", script.as_bytes())]);
            let shell = super::programs::busybox();
            place
                .exec(["script.lua"])
                .file(shell, "/bin/sh")
                .file(shell, "/bin/sort")
                .same_as_host();
        }
    }
}

mod zstd {
    use super::{Place, programs};

    const LENGTH: u32 = 1 << 19;

    /// Text that compresses somewhat, then bytes that do not.
    fn data() -> Vec<u8> {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut data = Vec::new();
        while data.len() < LENGTH as usize {
            let (place, time) = (random() % 500, random() % 9);
            data.extend(format!("at place {place} the time is {time}\n").bytes());
        }
        data.extend((0..LENGTH / 4).map(|_| random().to_le_bytes()[0]));
        data
    }

    #[test]
    fn round_trips() {
        for program in programs::real("zstd") {
            let place = Place::new(&program, &[("data", &data()), ("empty", &[])]);
            let output = place.script(
                "sha256sum data
                for level in 1 3 19; do
                    ./program -q -$level data -o $d/$level || exit 1
                    sha256sum < $d/$level; wc -c < $d/$level
                    ./program -q -d -c $d/$level | sha256sum
                done
                ./program -q -c data | tee $d/piped | ./program -q -d | cmp - data && echo equal
                ./program -q -c empty | ./program -d -q -c | wc -c
                ./program -q -d $d/3 -o $d/out && cmp $d/out data && echo equal",
            );
            assert_eq!(output.status, 0, "{output:?}");
            assert_eq!(output.stdout.matches("equal\n").count(), 2, "{output:?}");
        }
    }

    #[test]
    fn damaged_input() {
        for program in programs::real("zstd") {
            let place = Place::new(&program, &[("data", &data())]);
            place.script(
                "./program -q -c data > $d/good; head -c 5000 $d/good > $d/short
                { head -c 5000 $d/good; tail -c +6000 $d/good; } > $d/bad
                for file in short bad; do ./program -q -d -c < $d/$file > $d/out 2> /dev/null; echo $?; done
                ./program -q -d -c data > /dev/null 2>&1; echo $?
                ./program -q -c none > /dev/null 2>&1; echo $?",
            );
        }
    }
}
