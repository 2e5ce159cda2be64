//! Memory as machines have it: nodes, holes, little of it.

use braid_tests::booted::Exec;

const SCRIPT: &str = "for i in 1 2 3 4; do (seq 1 500 | sort -rn | tail -1) & done; wait";
const MIB: u64 = 1 << 20;

/// Pieces of memory as the kernel divides them: torus, first byte, end, node.
fn pieces(log: &str) -> Vec<(u64, u64, u64, Option<u64>)> {
    let lines = log
        .lines()
        .filter_map(|line| line.split_once("divide] torus "));
    let read = |(_, text): (&str, &str)| {
        let words: Vec<&str> = text
            .split([' ', ':', ','])
            .filter(|word| !word.is_empty())
            .collect();
        let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        match words[..] {
            [torus, start, "to", end, ref rest @ ..] => {
                let node = rest.get(1).and_then(|node| node.parse().ok());
                Some((torus.parse().ok()?, hex(start)?, hex(end)?, node))
            }
            _ => None,
        }
    };
    lines.filter_map(read).collect()
}

/// A machine with nodes of 256 MiB and two cores each.
fn nodes(count: u64) -> String {
    let node = |number: u64| {
        let cores = format!("{}-{}", 2 * number, 2 * number + 1);
        format!(
            "-object memory-backend-ram,id=m{number},size=256M -numa node,nodeid={number},cpus={cores},memdev=m{number} "
        )
    };
    (0..count).map(node).collect()
}

#[test]
fn tori_follow_the_nodes() {
    for count in [2, 4] {
        let exec = Exec::sh(SCRIPT).smp(2 * count).mem(256 * u64::from(count));
        let exec = exec.auto_tori().log("debug");
        let log = exec.qemu(&nodes(count.into())).same_as_host().log;
        let up = format!("{} cores in {count} tori are up", 2 * count);
        assert!(log.contains(&up), "{log}");
        let pieces = pieces(&log);
        for torus in 0..u64::from(count) {
            let own = pieces.iter().filter(|piece| piece.0 == torus);
            let own: Vec<_> = own.collect();
            assert!(!own.is_empty(), "torus {torus} has no memory: {log}");
            for (_, start, end, node) in own {
                assert_eq!(*node, Some(torus), "{log}");
                let bounds = torus * 256 * MIB..=(torus + 1) * 256 * MIB;
                assert!(bounds.contains(start) && bounds.contains(end), "{log}");
            }
        }
    }
}

#[test]
fn memory_on_both_sides_of_a_hole_is_used() {
    let exec = Exec::sh(SCRIPT).mem(3072).log("debug");
    let hole = "-machine pc,max-ram-below-4g=1G";
    let log = exec.qemu(hole).same_as_host().log;
    let pieces = pieces(&log);
    assert!(pieces.iter().any(|piece| piece.1 >= 1 << 32), "{log}");
    let sum: u64 = pieces.iter().map(|piece| piece.2 - piece.1).sum();
    assert!(sum > 3000 * MIB, "{sum}");
}

#[test]
fn little_memory_suffices() {
    for (cores, tori) in [(1, 1), (4, 2), (16, 2)] {
        let _ = Exec::sh(SCRIPT)
            .smp(cores)
            .tori(tori)
            .mem(64)
            .same_as_host();
    }
}

/// 600 GiB: two entries of the top-level page table. What the kernel keeps for each frame takes some gigabytes of the host.
#[test]
fn more_than_512_gib() {
    if std::env::var("BRAID_MATRIX").as_deref() != Ok("full") {
        eprintln!("BRAID_MATRIX is not full: not tested: 600 GiB of memory");
        return;
    }
    let large =
        "-m 600G -object memory-backend-ram,size=600G,reserve=off,id=m -machine memory-backend=m";
    let log = Exec::sh(SCRIPT).log("debug").qemu(large).same_as_host().log;
    let end = pieces(&log).iter().map(|piece| piece.2).max();
    assert!(end > Some(600 << 30), "{log}");
}
