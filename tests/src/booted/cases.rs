//! Cases: small C programs of `tests/programs/c/cases`, each with what Linux prints for it in `NAME.expected`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use tempfile::TempDir;

use super::boot::parts;
use super::{Exec, Output, programs};

/// Where cases are compiled, once for each process that tests.
struct Compiled {
    directory: TempDir,
    programs: BTreeMap<String, PathBuf>,
}

static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(|| {
    Mutex::new(Compiled {
        directory: tempfile::tempdir().expect("a directory for compiled cases"),
        programs: BTreeMap::new(),
    })
});

/// The compiled program of a case.
///
/// # Panics
/// There is no such case, or it does not compile.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = compiled.programs.get(name) {
        return program.clone();
    }
    let source = Path::new("cases").join(name);
    let program = programs::c(&source, &["-O2"], compiled.directory.path());
    compiled.programs.insert(name.to_owned(), program.clone());
    program
}

/// What Linux prints for a case, and status 0 after it.
///
/// # Panics
/// The case has no `NAME.expected`.
#[must_use]
pub fn expected(name: &str) -> String {
    let path = parts()
        .root
        .join("tests/programs/c/cases")
        .join(name)
        .with_extension("expected");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A case on a machine of its own.
#[must_use]
pub fn exec(name: &str) -> Exec {
    Exec::new(program(name))
}

/// Checks that a case prints on Braid what Linux prints, and ends with status 0.
///
/// # Panics
/// It does not.
pub fn as_on_linux(name: &str, exec: &Exec) -> Output {
    let output = exec.run();
    let seen = (output.status, output.stdout.as_str());
    assert_eq!(seen, (0, expected(name).as_str()), "{name}: {output:?}");
    output
}

/// Checks that cases print on one machine, each after the other, what Linux prints, and end with status 0. `on` says what the
/// machine is like.
///
/// # Panics
/// They do not.
pub fn together_as_on_linux(names: &[&str], on: impl FnOnce(Exec) -> Exec) {
    let script: String = names
        .iter()
        .map(|name| format!("/cases/{name} || echo {name}: status $?; "))
        .collect();
    let exec = names.iter().fold(Exec::sh(&script), |exec, name| {
        exec.file(program(name), format!("/cases/{name}"))
    });
    let output = on(exec).run();
    let right: String = names.iter().map(|name| expected(name)).collect();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (0, right.as_str()),
        "{output:?}"
    );
}
