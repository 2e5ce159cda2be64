//! The calls about mappings with lengths and addresses at the ends of what can be said: what each answers.

use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, map_file, unmap};
use braid_test_programs::{Answer, call, show, text};
use libc as l;

/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;
/// Where a program's addresses end.
const END: usize = (1 << 47) - PAGE;

/// None fits above the area.
const LENGTHS: [usize; 14] = [
    END - AREA + 1,
    END - PAGE,
    END,
    END + 1,
    1 << 47,
    (1 << 47) + PAGE,
    1 << 48,
    (1 << 63) - PAGE,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + PAGE,
    usize::MAX - 2 * PAGE + 2,
    usize::MAX - PAGE + 2,
    usize::MAX,
];

/// Where nothing is, or can be.
const ADDRESSES: [usize; 8] = [
    AREA + PAGE,
    END,
    1 << 47,
    1 << 62,
    1 << 63,
    usize::MAX << 47,
    usize::MAX - 2 * PAGE + 1,
    usize::MAX - PAGE + 1,
];

fn main() {
    lengths();
    addresses();
    both();
    files();
    vectors();
}

/// Prints whether a mapping was made; it is gone again.
fn tell(name: &str, length: usize, answer: Answer) {
    if let Ok(at) = answer {
        unmap(at, length).expect("to unmap what was mapped");
    }
    show(name, answer.map(|_| 0));
}

/// A call about mappings with an address and a length: what it answers, where it leaves nothing.
fn about(name: &str, address: usize, length: usize) {
    let number = |word: i32| word as usize;
    let calls: [(&str, i64, usize); 12] = [
        ("munmap", l::SYS_munmap, 0),
        ("mprotect", l::SYS_mprotect, number(RW)),
        ("madvise, needed", l::SYS_madvise, number(l::MADV_WILLNEED)),
        ("madvise, not", l::SYS_madvise, number(l::MADV_DONTNEED)),
        ("madvise, free", l::SYS_madvise, number(l::MADV_FREE)),
        ("madvise, no fork", l::SYS_madvise, number(l::MADV_DONTFORK)),
        ("msync", l::SYS_msync, number(l::MS_SYNC)),
        ("msync, later", l::SYS_msync, number(l::MS_ASYNC)),
        ("mlock", l::SYS_mlock, 0),
        ("munlock", l::SYS_munlock, 0),
        ("mincore", l::SYS_mincore, 0),
        ("mremap to a page", l::SYS_mremap, PAGE),
    ];
    // Advice is followed where something is mapped, whatever the rest of the range: the program's stack, for one.
    let harmless = |call: &(&str, i64, usize)| {
        address >= END || !matches!(call.0, "madvise, not" | "madvise, free")
    };
    for (call_name, call_number, word) in calls.into_iter().filter(harmless) {
        let answer = call(call_number, [address, length, word, 1, 0, 0]);
        show(&format!("{call_name}, {name}"), answer.map(|_| 0));
    }
}

/// What is mapped in the area, for calls to find: one page.
fn one_page() {
    map(AREA, PAGE, RW, ANONYMOUS | l::MAP_FIXED).expect("memory");
}

fn lengths() {
    for length in LENGTHS {
        let name = format!("length {length:#x}");
        for (kind, flags) in [("private", l::MAP_PRIVATE), ("shared", l::MAP_SHARED)] {
            let flags = flags | l::MAP_ANONYMOUS | l::MAP_NORESERVE;
            for (how, address, more) in [
                ("anywhere", 0, 0),
                ("at a hint", AREA, 0),
                ("fixed", AREA, l::MAP_FIXED),
                ("vacant", AREA, l::MAP_FIXED_NOREPLACE),
            ] {
                // A mapping that may not be touched fits on a machine of any size, if its addresses do.
                let answer = map(address, length, l::PROT_NONE, flags | more);
                tell(&format!("mmap {kind} {how}, {name}"), length, answer);
            }
        }
        one_page();
        about(&name, AREA, length);
        for (how, flags, to) in [
            ("in place", 0, 0),
            ("anywhere", l::MREMAP_MAYMOVE, 0),
            (
                "fixed",
                l::MREMAP_MAYMOVE | l::MREMAP_FIXED,
                AREA + 16 * PAGE,
            ),
        ] {
            one_page();
            let answer = call(l::SYS_mremap, [AREA, PAGE, length, flags as usize, to]);
            show(&format!("mremap {how}, {name}"), answer.map(|_| 0));
        }
    }
    unmap(AREA, PAGE).expect("to unmap");
}

fn addresses() {
    for address in ADDRESSES {
        let name = format!("address {address:#x}");
        for (how, more) in [
            ("hint", 0),
            ("fixed", l::MAP_FIXED),
            ("vacant", l::MAP_FIXED_NOREPLACE),
        ] {
            let answer = map(address, PAGE, RW, ANONYMOUS | more);
            tell(&format!("mmap {how}, {name}"), PAGE, answer);
            if address < usize::MAX - PAGE {
                let answer = map(address + 1, PAGE, RW, ANONYMOUS | more);
                tell(&format!("mmap {how} and a byte, {name}"), PAGE, answer);
            }
        }
        about(&name, address, PAGE);
        about(&format!("{name}, no length"), address, 0);
        one_page();
        let flags = (l::MREMAP_MAYMOVE | l::MREMAP_FIXED) as usize;
        let answer = call(l::SYS_mremap, [AREA, PAGE, PAGE, flags, address]);
        if let Ok(at) = answer {
            unmap(at, PAGE).expect("to unmap what was moved");
        }
        show(&format!("mremap to {name}"), answer.map(|_| 0));
        let before = call(l::SYS_brk, [0]);
        let refused = call(l::SYS_brk, [address]) == before;
        println!(
            "brk to {name}: {}",
            if refused { "refused" } else { "done" }
        );
    }
}

/// A range that begins high and is long.
fn both() {
    for address in ADDRESSES {
        for length in LENGTHS {
            let name = format!("{length:#x} from {address:#x}");
            let fixed = map(
                address,
                length,
                l::PROT_NONE,
                ANONYMOUS | l::MAP_NORESERVE | l::MAP_FIXED_NOREPLACE,
            );
            tell(&format!("mmap {name}"), length, fixed);
            about(&name, address, length);
        }
    }
}

fn files() {
    let path = format!("/tmp/extremes-{}", std::process::id());
    std::fs::write(&path, [b'f'; PAGE]).expect("a file in /tmp");
    let name = text(&path);
    let file = call(l::SYS_open, [name.as_ptr() as usize, l::O_RDWR as usize]).expect("the file");
    let offsets = [0, 1 << 43, (1 << 63) - PAGE, 1 << 63, usize::MAX - PAGE + 1];
    let far = offsets
        .into_iter()
        .flat_map(|offset| [(PAGE, offset), (2 * PAGE, offset)]);
    let long = LENGTHS.into_iter().map(|length| (length, 0));
    for (length, offset) in far.chain(long) {
        for (kind, flags) in [("private", l::MAP_PRIVATE), ("shared", l::MAP_SHARED)] {
            let answer = map_file(0, length, l::PROT_READ, flags, file, offset);
            let name = format!("file, {kind}, {length:#x} at {offset:#x}");
            tell(&name, length, answer);
        }
    }
    call(l::SYS_close, [file]).expect("to close");
    std::fs::remove_file(&path).expect("to remove it");
}

/// mincore's vector at the ends.
fn vectors() {
    one_page();
    for address in ADDRESSES {
        let answer = call(l::SYS_mincore, [AREA, PAGE, address]);
        show(&format!("mincore to {address:#x}"), answer);
    }
    unmap(AREA, PAGE).expect("to unmap");
}
