//! The benchmarks, by name.

use thiserror::Error;

/// What a benchmark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// System calls.
    Call,
    /// Page faults.
    Fault,
    /// Changes of mappings.
    Map,
    /// Processes.
    Process,
    /// Programs that make few calls.
    Work,
    /// Tori: on Braid alone.
    Torus,
}

impl Group {
    /// What it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Group::Call => "call",
            Group::Fault => "fault",
            Group::Map => "map",
            Group::Process => "process",
            Group::Work => "work",
            Group::Torus => "torus",
        }
    }
}

/// One benchmark.
#[derive(Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// Its name.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// What one operation is.
    pub operation: &'static str,
    /// Whether several processes do it at once, to see how it scales.
    pub scales: bool,
    /// Sizes of memory with which it is done, in bytes, a figure for each; empty: with its own.
    pub sizes: &'static [u64],
}

const fn entry(name: &'static str, group: Group, operation: &'static str) -> Benchmark {
    Benchmark {
        name,
        group,
        operation,
        scales: false,
        sizes: &[],
    }
}

const fn scaling(name: &'static str, group: Group, operation: &'static str) -> Benchmark {
    Benchmark {
        scales: true,
        ..entry(name, group, operation)
    }
}

const fn sized(
    name: &'static str,
    group: Group,
    operation: &'static str,
    sizes: &'static [u64],
) -> Benchmark {
    Benchmark {
        sizes,
        ..entry(name, group, operation)
    }
}

/// All of them, in the order in which they run.
pub const ALL: &[Benchmark] = &[
    scaling("null-call", Group::Call, "system call (getpid)"),
    scaling(
        "fault-page-write",
        Group::Fault,
        "first write to a mapping of one page",
    ),
    scaling(
        "fault-page-read",
        Group::Fault,
        "first read of a mapping of one page",
    ),
    scaling(
        "fault-write",
        Group::Fault,
        "first write to an anonymous page, in order",
    ),
    scaling(
        "fault-write-random",
        Group::Fault,
        "first write to an anonymous page, in random order",
    ),
    scaling(
        "fault-write-huge",
        Group::Fault,
        "first write to an anonymous page, MADV_HUGEPAGE, in order",
    ),
    scaling(
        "fault-read",
        Group::Fault,
        "first read of an anonymous page, in order",
    ),
    scaling(
        "fault-read-random",
        Group::Fault,
        "first read of an anonymous page, in random order",
    ),
    scaling(
        "fault-file",
        Group::Fault,
        "first read of a page of a cached file, in order",
    ),
    scaling(
        "fault-file-random",
        Group::Fault,
        "first read of a page of a cached file, in random order",
    ),
    scaling(
        "fault-copy",
        Group::Fault,
        "first write to a page shared by fork",
    ),
    scaling(
        "map-unmap",
        Group::Map,
        "mmap + munmap of 64 KiB, untouched",
    ),
    scaling(
        "map-touch",
        Group::Map,
        "mmap + 16 first writes + munmap of 64 KiB",
    ),
    scaling(
        "protect",
        Group::Map,
        "mprotect of 64 KiB of written memory",
    ),
    scaling(
        "brk",
        Group::Map,
        "brk up by 64 KiB and down again, untouched",
    ),
    scaling(
        "fork-1m",
        Group::Process,
        "fork + exit + wait of a process of 1 MiB",
    ),
    entry(
        "fork-256m",
        Group::Process,
        "fork + exit + wait of a process of 256 MiB",
    ),
    scaling(
        "exec",
        Group::Process,
        "fork + execve + exit + wait of a small program",
    ),
    entry(
        "switch",
        Group::Process,
        "switch between two processes over a pipe",
    ),
    scaling(
        "user-loop",
        Group::Work,
        "1000 random numbers in registers, without a call",
    ),
    scaling(
        "compute",
        Group::Work,
        "sort, hash, multiply and look up in 16 MiB",
    ),
    entry(
        "torus-message",
        Group::Torus,
        "message to another torus and back, between two processes",
    ),
    entry(
        "torus-pipe",
        Group::Torus,
        "byte from a process to one on another torus, over a pipe",
    ),
    sized(
        "migrate",
        Group::Torus,
        "move of a process to another torus, until it goes on there",
        &[1 << 20, 16 << 20, 64 << 20, 256 << 20],
    ),
    sized(
        "settle",
        Group::Torus,
        "move of a process that sleeps, until all its memory has come",
        &[1 << 20, 16 << 20, 64 << 20],
    ),
    entry(
        "pull",
        Group::Torus,
        "first read of a page after a move, in order",
    ),
    entry(
        "pull-random",
        Group::Torus,
        "first read of a page after a move, in random order",
    ),
    entry(
        "touch-moved",
        Group::Torus,
        "read of a page that has come from another torus, in random order",
    ),
    entry(
        "touch-stayed",
        Group::Torus,
        "read of a page that has never moved, in random order",
    ),
];

/// There is no such benchmark.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no benchmark {0}; there are: {list}", list = list())]
pub struct Unknown(pub String);

fn list() -> String {
    let names: Vec<&str> = ALL.iter().map(|benchmark| benchmark.name).collect();
    let groups: Vec<&str> = groups().iter().map(|group| group.name()).collect();
    format!("{}; and the groups {}", names.join(", "), groups.join(", "))
}

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = ALL.iter().map(|benchmark| benchmark.group).collect();
    groups.dedup();
    groups
}

/// The benchmark of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Benchmark> {
    ALL.iter().find(|benchmark| benchmark.name == name)
}

/// The benchmarks that `names` (of benchmarks and groups) mean, each once, in the order of [`ALL`]; without names all of
/// them.
///
/// # Errors
/// A name is nobody's.
pub fn select<S: AsRef<str>>(names: &[S]) -> Result<Vec<&'static Benchmark>, Unknown> {
    let is = |benchmark: &Benchmark, name: &str| {
        benchmark.name == name || benchmark.group.name() == name
    };
    for name in names.iter().map(AsRef::as_ref) {
        if !ALL.iter().any(|benchmark| is(benchmark, name)) {
            return Err(Unknown(name.to_owned()));
        }
    }
    let wanted = |benchmark: &&Benchmark| {
        names.is_empty() || names.iter().any(|name| is(benchmark, name.as_ref()))
    };
    Ok(ALL.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_plain() {
        let mut names: Vec<&str> = ALL.iter().map(|benchmark| benchmark.name).collect();
        names.extend(groups().iter().map(|group| group.name()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let plain = |name: &&str| {
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        assert!(names.iter().all(plain));
    }

    #[test]
    fn selection_keeps_the_order_and_takes_groups() {
        let names = |list: &[&str]| -> Vec<&str> {
            select(list)
                .unwrap()
                .iter()
                .map(|found| found.name)
                .collect()
        };
        assert_eq!(names(&[]).len(), ALL.len());
        assert_eq!(names(&["brk", "null-call", "brk"]), ["null-call", "brk"]);
        assert_eq!(
            names(&["process"]),
            ["fork-1m", "fork-256m", "exec", "switch"]
        );
        let unknown = select(&["brk", "nonsense"]).unwrap_err();
        assert_eq!(unknown, Unknown("nonsense".to_owned()));
        assert!(unknown.to_string().contains("null-call"));
    }
}
