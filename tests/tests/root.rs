//! The root can be changed, from every torus: the same scripts, with relative paths, say the same on Braid, where the directory is the
//! boot archive, as on the host.

use braid_tests::booted::{Exec, Output, cases, programs};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

/// What the archive has: files, directories, links, a program, and a file of several pages.
fn tree() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for name in ["etc/empty", "data/deep/below", "data/side", "many"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    fs::write(at("etc/conf"), "first\n").unwrap();
    fs::write(at("etc/other"), "other\n").unwrap();
    fs::write(at("data/deep/file"), "deep\n").unwrap();
    symlink("../deep/file", at("data/side/link")).unwrap();
    let mut long = String::new();
    for line in 0..4000 {
        writeln!(long, "line {line}").unwrap();
    }
    fs::write(at("data/long"), &long).unwrap();
    for number in 0..40 {
        fs::write(at(&format!("many/{number}")), "").unwrap();
    }
    fs::copy(programs::busybox(), at("busybox")).unwrap();
    fs::set_permissions(at("busybox"), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

const NAMES: &str = r#"
echo x > etc/new; cat etc/new etc/conf
echo more >> etc/conf; cat etc/conf
mv etc/other etc/moved; cat etc/moved; ls etc; rm etc/moved; ls etc; cat etc/moved
mkdir -p data/deep/a/b; echo y > data/deep/a/b/c
mv data/deep data/deeper; ls data data/deeper; cat data/deeper/file data/deeper/a/b/c data/side/link
ln -s ../deeper/file data/side/other; cat data/side/other
ln data/deeper/file data/third; echo z > data/third; cat data/deeper/file; stat -c %h data/third
ln data/third data/fourth; rm data/deeper/file; stat -c %h data/third; mv data/third data/deeper/file; ls data/deeper
mv data/deeper data/deeper/a; mv data/deeper etc/conf; mv etc/conf data; ls data
rmdir etc/empty data; ls etc; rm -r data/deeper data/side; ls data
for n in 3 1 4 15 9 26; do rm many/$n; echo $n > many/new$n; done; echo many/*
rm many/*; echo many/*; rmdir many; ls
chmod 600 etc/new; chmod 4711 busybox; stat -c '%a %u' etc/new busybox; chmod 755 busybox
umask 077; mkdir tight; : > tight/file; stat -c %a tight tight/file
"#;

const BYTES: &str = r#"
exec 3< data/long 4< etc/conf
read line <&3; echo "$line"
printf changed | dd of=data/long bs=1 seek=9000 conv=notrunc 2>/dev/null
md5sum < data/long; md5sum <&3; wc -c data/long | sed 's/ .*//'
echo second > etc/conf; cat <&4; cat etc/conf
truncate -s 5000 data/long; md5sum < data/long; truncate -s 20000 data/long; md5sum < data/long
echo end >> data/long; tail -c 9 data/long; dd if=data/long bs=1000 skip=4 count=2 2>/dev/null | md5sum
cp data/long copy; cmp copy data/long && echo equal; : > data/long; wc -c data/long
"#;

const PROGRAMS: &str = r#"
mkdir bin1; mv busybox bin1/busybox; bin1/busybox echo ran; ln bin1/busybox again; PATH=bin1 busybox echo again
cp again copy; chmod 700 copy; mkdir bin3; mv copy bin3/busybox; bin3/busybox echo copied; chmod 600 bin3/busybox; bin3/busybox echo no; echo $?
mkdir bin2; mv bin1/busybox bin2/busybox; PATH=bin2 busybox echo found
printf '#!bin2/busybox sh\necho script $0 $1\n' > script; chmod +x script; ./script one
printf junk > copy; chmod +x copy; ./copy 2>/dev/null; echo $?
rm again bin2/busybox; ls
"#;

const PLACES: &str = r#"
cd data/deep; pwd | sed 's|.*/data|data|'; mv ../deep ../other; pwd -P | sed 's|.*/data|data|'; ls; cat ../../etc/conf
echo here > made; ls ../other; cd below; rmdir ../below; ls; echo x > y; cd ..; ls
cd ../side; cat link; cat ../other/made; rm -r ../other; ls .. ; cat link
"#;

fn scripts() -> [(&'static str, &'static str); 4] {
    [
        ("names", NAMES),
        ("bytes", BYTES),
        ("programs", PROGRAMS),
        ("places", PLACES),
    ]
}

/// Each script in a copy of its own of the tree.
fn all() -> String {
    let mut script = String::new();
    for (name, text) in scripts() {
        writeln!(script, "echo == {name}; (cd {name}; {text}\n) 2>&1").unwrap();
    }
    script
}

fn trees() -> TempDir {
    let all = tempfile::tempdir().unwrap();
    for (name, _) in scripts() {
        let one = tree();
        fs::rename(one.path(), all.path().join(name)).unwrap();
    }
    all
}

fn same(exec: impl Fn(&Path) -> Exec) -> Output {
    let trees = trees();
    let output = exec(trees.path()).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

#[test]
fn the_root_is_changed_as_any_directory() {
    same(|root| Exec::sh(&(all() + "exit 0")).directory(root).smp(2).tori(1));
}

#[test]
fn the_root_is_changed_from_other_tori() {
    let script = format!("[ $$ = 1 ] && exit\n{}\nexit 0", all());
    same(|root| Exec::sh(&script).directory(root).every_torus());
}

/// A process that changes the root may be moved meanwhile, with its working directory in what it has changed.
#[test]
fn the_root_is_changed_by_processes_that_move() {
    let script = format!(
        "{}cd places; echo > made; cd data; pwd | sed 's|.*/||'; exit 0",
        all()
    );
    let trees = trees();
    let busybox = trees.path().join("busybox");
    fs::copy(programs::busybox(), &busybox).unwrap();
    let exec = Exec::new(programs::rust("mover")).args(["5", "./busybox", "sh", "-c", &script]);
    let output = exec.directory(trees.path()).tori(3).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

/// Changes of one torus are seen by the others, also where they have looked before, and in directories that they work in.
#[test]
fn changes_are_seen_everywhere() {
    let wait = "until [ -e /tmp/$1 ]; do sleep 0.01; done";
    let script = format!(
        "wait_for() {{ {wait}; }}\n\
         if [ $$ = 1 ]; then\n\
         cat /etc/conf; wait_for one; cat /etc/conf; ls /etc /data/deep; cat /data/other; : > /tmp/two; wait_for three; ls /etc\n\
         else\n\
         cat /etc/conf; cd /data/deep; exec 3< /data/long; read line <&3\n\
         echo changed > /etc/conf; mv /etc/other /data/other; rm file; : > new; : > /tmp/one; wait_for two; rm -r /etc; : > /tmp/three\n\
         fi"
    );
    let root = tree();
    let exec = Exec::sh(&script).directory(root.path());
    let output = exec.every_torus().run();
    let mut lines: Vec<&str> = output.stdout.lines().collect();
    lines.retain(|line| !line.is_empty());
    assert_eq!(
        lines,
        [
            "first",
            "first",
            "changed",
            "/data/deep:",
            "below",
            "new",
            "/etc:",
            "conf",
            "empty",
            "other",
        ],
        "{output:?}"
    );
}

/// A program has memory and rights of its own. The command line says as which user the first process runs.
#[test]
fn the_first_process_may_be_anybody() {
    let script = "id -u; id -g; echo x > /etc/new; cat /etc/conf; echo y > /tmp/new; cat /tmp/new; \
                  mv /etc /other";
    let root = tree();
    let exec = Exec::sh(script).directory(root.path()).user(1000, 100);
    let output = exec.run();
    assert_eq!(output.stdout, "1000\n100\nfirst\ny\n", "{output:?}");
    assert_eq!(output.stderr.matches("denied").count(), 2, "{output:?}");
}

#[test]
fn a_full_root_is_an_error_and_no_more() {
    let script = "dd if=/dev/zero of=/etc/x bs=1M count=100 2>/dev/null; echo $?; rm /etc/x; echo text > /etc/x; cat /etc/x";
    let root = tree();
    let exec = Exec::sh(script).directory(root.path()).mem(128);
    let output = exec.run();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (0, "1\ntext\n"),
        "{output:?}"
    );
}

#[test]
fn who_works_in_what_is_mounted_moves_after_the_root_has_changed() {
    let exec = cases::exec("mounts_far").smp(2).tori(2);
    cases::as_on_linux("mounts_far", &exec);
}

#[test]
fn a_call_that_fails_at_once_leaves_no_question_behind() {
    let exec = cases::exec("seek_far").smp(2).tori(2);
    cases::as_on_linux("seek_far", &exec);
}
