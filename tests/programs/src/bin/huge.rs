//! Memory of 2 MiB pages (`MADV_HUGEPAGE`): cut, protected, forked and dropped in parts. Prints the same whether the kernel
//! makes them or not; with the argument `faults` how many writes to untouched pages the kernel saw.

use braid_test_programs::children;
use braid_test_programs::memory::{
    ANONYMOUS, PAGE, RW, fill, handle_faults, map, picture, protect, read, unmap, write,
};
use braid_test_programs::torus;
use braid_test_programs::{call, show};

/// Pages of a large page.
const LARGE: usize = 512;
/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;

fn main() {
    handle_faults();
    let base = huge();
    let touch = || (0..2 * LARGE).for_each(|page| write(base + page * PAGE, b'a').expect("memory"));
    if std::env::args().nth(1).as_deref() == Some("faults") {
        println!("{}", torus::growth(torus::FIRST_WRITES, touch));
        return;
    }
    touch();
    cut(base);
    fork(base);
    println!("elsewhere: {}", picture(base + (LARGE - 4) * PAGE, 8));
}

/// Private memory of two large pages, in an area where nothing else is.
fn huge() -> usize {
    let bytes = 2 * LARGE * PAGE;
    let base = map(AREA, bytes, RW, ANONYMOUS | libc::MAP_FIXED).expect("memory");
    let advised = call(libc::SYS_madvise, [base, bytes, 14]);
    // A kernel that was built without them refuses, and nothing else is different.
    assert!(advised.is_ok() || advised == Err(libc::EINVAL));
    base
}

/// Takes away pages within the first large page, and the right to write to others.
fn cut(base: usize) {
    show("unmap", unmap(base + 2 * PAGE, 2 * PAGE));
    println!("{}", picture(base, 6));
    show("protect", protect(base + 5 * PAGE, PAGE, libc::PROT_READ));
    println!("write: {:?}", write(base + 5 * PAGE, b'b').is_ok());
    show(
        "drop",
        call(libc::SYS_madvise, [base + 6 * PAGE, 2 * PAGE, 4]),
    );
    println!("{}", picture(base + 4 * PAGE, 6));
}

/// Parent and child write to the second large page: neither sees what the other wrote.
fn fork(base: usize) {
    let second = base + LARGE * PAGE;
    let child = children::fork(|| {
        fill(second, "cc");
        i32::from(picture(second, 4) != "ccaa")
    });
    fill(second, "pp");
    let child = children::wait(child);
    println!("parent {}, child {child:?}", picture(second, 4));
    assert_eq!(read(second + 2 * PAGE), Ok(b'a'));
}
