//! Programs that use more memory than there is.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use braid_tests::booted::{Exec, Output, cases, programs};

/// A way of using so much memory, on cores that share less than 32 MiB.
fn way(way: &str, mebibytes: u32, cores: u32) -> Exec {
    let program = Exec::new(programs::rust("pressure")).args([way, &mebibytes.to_string()]);
    program.smp(cores).tori(1).mem(44).swap(160)
}

fn pressure(name: &str, mebibytes: u32, cores: u32) -> Output {
    let output = way(name, mebibytes, cores).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

#[test]
fn twice_the_memory() {
    let output = pressure("pattern", 60, 1);
    assert_eq!(output.stdout, "wrong: 0 0\n");
    assert!(output.log.contains("KiB of swap on vda"), "{}", output.log);
}

#[test]
fn a_disk_for_each_of_many_tori() {
    let machine = Exec::sh("echo up").smp(16).tori(16).mem(512).swap(64);
    let output = machine.run();
    assert_eq!((output.status, &*output.stdout), (0, "up\n"), "{output:?}");
    assert!(output.log.contains("KiB of swap on vdp"), "{}", output.log);
}

#[test]
fn pages_of_2_mib_go_in_parts() {
    let output = way("huge", 40, 1).stats().same_as_host();
    assert_eq!(output.stdout, "wrong: 0 0\n", "{output:?}");
    let (faults, out) = ["faults_zero", "swapped_out"]
        .map(|counter| counted(&output, counter))
        .into();
    assert!(faults < 40 * 256 && out > 2000, "{}", output.log);
}

/// Each fault needs two frames, of which the table stays; a fork needs more of them than there can be.
#[test]
fn tables_as_large_as_what_they_map() {
    let output = way("scattered", 10, 1).mem(40).run();
    let expected = "wrong: 0 0\nno child: Out of memory (os error 12)\nwrong: 0\n";
    assert_eq!(
        (output.status, &*output.stdout),
        (0, expected),
        "{output:?}"
    );
}

#[test]
fn here_and_there() {
    assert_eq!(pressure("random", 60, 2).stdout, "wrong: 0 0\n");
}

#[test]
fn forked_children() {
    let expected = "good children: 3, wrong: 0 0\n";
    assert_eq!(pressure("forks", 30, 1).stdout, expected);
    assert_eq!(pressure("forks", 30, 4).stdout, expected);
}

#[test]
fn shared_memory() {
    assert_eq!(
        pressure("shared", 60, 2).stdout,
        "child: Ok(0), wrong: 0 0\n"
    );
}

#[test]
fn a_file_larger_than_memory() {
    let expected = "wrong: 0, after the cut: 4001 bytes, 4000 zeros\n";
    assert_eq!(pressure("file", 60, 1).stdout, expected);
}

#[test]
fn mapped_files_give_way() {
    let output = pressure("mapped", 45, 4);
    assert_eq!(output.stdout, "same: 4, written: 4, wrong: 0\n");
}

#[test]
fn pages_that_will_be_needed_come_back() {
    let program = Exec::new(programs::rust("ahead")).args(["pressure"]);
    let output = program.smp(2).tori(1).mem(48).swap(120).run();
    let expected = "all there: false\nall there: true\nas they were: true\n";
    assert_eq!(output.stdout, expected, "{output:?}");
}

#[test]
fn locked_pages_stay() {
    let program = Exec::new(programs::rust("locked")).args(["pressure"]);
    let output = program.smp(2).tori(1).mem(48).swap(120).run();
    let round = "locked: 2048, loose ones are all there: false\n";
    let expected = format!(
        "mlock: 0\n{round}{round}munlock: 0\nall are there: false\nas they were: true true true\n"
    );
    assert_eq!(output.stdout, expected, "{output:?}");
}

/// A shell that runs a way of using more memory than there is, and then another program.
fn script(way: &str) -> Exec {
    let script = format!("/bin/pressure {way}; echo status $?; /bin/pressure pattern 8");
    let pressure = programs::rust("pressure");
    Exec::sh(&script)
        .file(pressure, "/bin/pressure")
        .smp(1)
        .tori(1)
        .mem(44)
}

fn rules(what: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let rule =
        "[inject-error]\nevent = \"none\"\nerrno = \"5\"\nimmediately = \"off\"\nonce = \"off\"\n";
    write!(file, "{rule}{what}").expect("a file");
    file
}

#[test]
fn a_page_that_cannot_be_read_costs_its_process() {
    // The first slots are likely to be those of the shell, which waits.
    let rules = rules("iotype = \"read\"\nsector = \"24008\"\n");
    let output = script("pattern 60").failing_swap(80, rules.path()).run();
    assert!(
        output.stdout.starts_with("status 135\nwrong: 0 0\n"),
        "{output:?}"
    );
    for said in ["slot 3000 cannot be read", "lost by the swap disk"] {
        assert!(output.log.contains(said), "{}", output.log);
    }
}

#[test]
fn a_page_that_cannot_be_written_stays() {
    let rules = rules("iotype = \"write\"\nsector = \"8\"\n");
    let output = script("pattern 60").failing_swap(80, rules.path()).run();
    assert!(
        output
            .stdout
            .starts_with("wrong: 0 0\nstatus 0\nwrong: 0 0\n"),
        "{output:?}"
    );
    assert!(
        output.log.contains("slot 0 cannot be written"),
        "{}",
        output.log
    );
}

#[test]
fn without_room_in_memory_and_swap_who_asks_is_killed() {
    let output = script("pattern 60").swap(8).run();
    assert!(
        output.stdout.starts_with("status 137\nwrong: 0 0\n"),
        "{output:?}"
    );
    assert!(
        output.log.contains("killed: no memory for the page"),
        "{}",
        output.log
    );
}

/// What a counter of torus 0 says at the end.
fn counted(output: &Output, counter: &str) -> u64 {
    let name = format!("torus 0: {counter} ");
    let line = output.log.lines().find_map(|line| line.split_once(&name));
    line.map_or(0, |(_, value)| value.parse().expect("a number"))
}

#[test]
fn sort_sorts_more_than_memory() {
    let script = "seq 1 500000 | sort -r | md5sum";
    let exec = Exec::sh(script).smp(1).tori(1).mem(36).swap(64).stats();
    let output = exec.same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
    assert!(counted(&output, "swapped_in") > 100, "{}", output.log);
}

#[test]
fn sqlite_with_little_memory() {
    let rows = "
        CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, s TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
            INSERT INTO t SELECT i, (i * 7919) % 200003, printf('row %d %s', i, hex(i * i)) FROM n;
        CREATE INDEX by_text ON t(s, k);
        SELECT count(*), sum(k), min(s), max(length(s)) FROM t;
        SELECT id, k, s FROM (SELECT * FROM t ORDER BY k DESC, s) LIMIT 5;
        SELECT count(*), total(length(a.s)) FROM t a JOIN t b ON a.k = b.id; PRAGMA integrity_check;";
    for program in programs::real("sqlite3") {
        let exec = Exec::new(program).args([":memory:", rows]);
        let output = exec.smp(1).tori(1).mem(44).swap(64).stats().same_as_host();
        assert!(output.stdout.ends_with("ok\n"), "{output:?}");
        assert!(counted(&output, "swapped_in") > 100, "{}", output.log);
    }
}

#[test]
fn each_torus_swaps_to_its_own_disk() {
    let program = Exec::new(programs::rust("pressure")).args(["pattern", "45"]);
    let output = program
        .smp(4)
        .tori(2)
        .mem(72)
        .swap(160)
        .every_torus()
        .stats()
        .run();
    assert_eq!(output.stdout, "wrong: 0 0\nwrong: 0 0\n", "{output:?}");
    for (torus, disk) in ["vda", "vdb"].into_iter().enumerate() {
        let said = format!("torus {torus}: 81916 KiB of swap on {disk}");
        assert!(output.log.contains(&said), "{}", output.log);
    }
}

#[test]
fn disks_that_cannot_be_used_are_named_and_the_machine_goes_on() {
    let blank = tempfile::NamedTempFile::new().expect("a file");
    let mut full = tempfile::NamedTempFile::new().expect("a file");
    blank.as_file().set_len(512).expect("room");
    full.write_all(&[7; 1 << 16]).expect("room");
    for (disk, said) in [
        (&blank, "too few for a header"),
        (&full, "it holds something"),
    ] {
        let output = Exec::sh("echo on").swap_file(disk.path()).smp(1).run();
        assert_eq!(output.stdout, "on\n");
        assert!(output.log.contains(said), "{}", output.log);
    }
    let mut kept = Vec::new();
    std::io::Read::read_to_end(&mut full.reopen().expect("a file"), &mut kept).expect("a file");
    assert_eq!(kept, [7; 1 << 16], "what a disk holds is not overwritten");
}

/// A swap file that is changed from outside loses programs their pages, but shows them no others.
#[test]
fn pages_changed_on_the_disk_are_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("swap");
    std::fs::File::create(&path)
        .and_then(|file| file.set_len(128 << 20))
        .unwrap();
    let done = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                flip(&path);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let exec = cases::exec("swap_changed").smp(1).tori(1).mem(44);
        let output = exec.swap_file(&path).run();
        done.store(true, Ordering::Relaxed);
        output
    });
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.stdout.ends_with("lost\n"), "{output:?}");
    assert!(output.log.contains("has been changed"), "{}", output.log);
}

/// Flips a bit of each page of a swap file that the program has written.
fn flip(path: &Path) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut pages = Vec::new();
    file.read_to_end(&mut pages).unwrap();
    for (index, page) in pages.chunks(4096).enumerate().skip(1) {
        if page[..8] != [0; 8] {
            let at = index as u64 * 4096 + 2048;
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&[page[2048] ^ 4]).unwrap();
        }
    }
}
