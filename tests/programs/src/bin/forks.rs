//! fork and vfork: who sees what of whose memory.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use braid_test_programs::children::{fork, in_child, kill, pipe, wait};
use braid_test_programs::memory::{
    ANONYMOUS, PAGE, RW, fill, fresh, handle_faults, map, map_file, picture, protect, read, unmap,
    write,
};
use braid_test_programs::{call, show, text};
use libc as l;

/// An area where nothing else is.
const AREA: usize = 0x1000_0000_0000;
/// Generations of a chain of children.
const DEPTH: usize = 24;

fn main() {
    handle_faults();
    private_and_shared();
    chain();
    rights_are_each_its_own();
    file_mappings();
    written_by_the_kernel();
    heap();
    the_end_of_children();
    many();
    vfork();
}

fn private_and_shared() {
    let private = map(AREA, 4 * PAGE, RW, ANONYMOUS | l::MAP_FIXED).expect("memory");
    let flags = l::MAP_SHARED | l::MAP_ANONYMOUS | l::MAP_FIXED;
    let shared = map(AREA + 64 * PAGE, 4 * PAGE, RW, flags).expect("memory");
    fill(private, "ab");
    fill(shared, "st");
    let status = in_child(|| {
        println!("child sees: {} {}", picture(private, 4), picture(shared, 4));
        fill(private + PAGE, "BC");
        fill(shared + PAGE, "TU");
        println!(
            "child wrote: {} {}",
            picture(private, 4),
            picture(shared, 4)
        );
    });
    println!(
        "{status:?}, parent sees: {} {}",
        picture(private, 4),
        picture(shared, 4)
    );
    let status = in_child(|| {
        write(shared + 3 * PAGE, b'V').expect("a writable page");
        unmap(shared, 4 * PAGE).expect("to unmap");
        unmap(private, 4 * PAGE).expect("to unmap");
        println!(
            "child unmapped: {} {}",
            picture(private, 4),
            picture(shared, 4)
        );
    });
    println!(
        "{status:?}, parent sees: {} {}",
        picture(private, 4),
        picture(shared, 4)
    );
    fill(private, "wxyz");
    println!(
        "parent wrote: {} {}",
        picture(private, 4),
        picture(shared, 4)
    );
    unmap(shared, 4 * PAGE).expect("to unmap");
    unmap(private, 4 * PAGE).expect("to unmap");
}

/// Each generation writes one page, has a child, and writes another: nobody sees what a relative wrote after the fork.
fn chain() {
    let base = fresh(2 * DEPTH);
    let shared = map(0, PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    generation(base, shared, 0);
    println!("generations: {}", read(shared).unwrap_or(0));
    unmap(shared, PAGE).expect("to unmap");
    unmap(base, 2 * DEPTH * PAGE).expect("to unmap");
}

fn generation(base: usize, shared: usize, depth: u8) {
    if usize::from(depth) == DEPTH {
        return;
    }
    let page = base + 2 * usize::from(depth) * PAGE;
    write(page, b'a' + depth).expect("a writable page");
    write(shared, read(shared).unwrap_or(0) + 1).expect("a writable page");
    let status = in_child(|| {
        // All of the ancestors' pages are shared now: the child takes one for itself, then another.
        write(base, b'A' + depth).expect("a writable page");
        generation(base, shared, depth + 1);
    });
    write(page + PAGE, b'0' + depth).expect("a writable page");
    println!("{depth}: {status:?} {}", picture(base, 2 * DEPTH));
}

fn rights_are_each_its_own() {
    let base = fresh(3);
    fill(base, "abc");
    protect(base, PAGE, l::PROT_NONE).expect("other rights");
    protect(base + PAGE, PAGE, l::PROT_READ).expect("other rights");
    let status = in_child(|| {
        println!("child: {}", picture(base, 3));
        println!("may write: {}", write(base + PAGE, 1).is_ok());
        protect(base, 3 * PAGE, RW).expect("other rights");
        fill(base, "xyz");
        println!("child: {}", picture(base, 3));
    });
    println!("{status:?}, parent: {}", picture(base, 3));
    println!("may write: {}", write(base + PAGE, 1).is_ok());
    protect(base, 3 * PAGE, RW).expect("other rights");
    println!("parent: {}", picture(base, 3));
    unmap(base, 3 * PAGE).expect("to unmap");
}

fn file_mappings() {
    let path = format!("/tmp/forks-{}", std::process::id());
    std::fs::write(&path, [b'f'; 4 * PAGE]).expect("a file in /tmp");
    let name = text(&path);
    let file = call(l::SYS_open, [name.as_ptr() as usize, l::O_RDWR as usize]).expect("the file");
    let mapping = |flags| map_file(0, 4 * PAGE, RW, flags, file, 0).expect("a mapping");
    let (private, shared) = (mapping(l::MAP_PRIVATE), mapping(l::MAP_SHARED));
    write(private, b'p').expect("a writable page");
    write(shared + 3 * PAGE, b's').expect("a writable page");
    let status = in_child(|| {
        println!("child: {} {}", picture(private, 4), picture(shared, 4));
        write(private + PAGE, b'q').expect("a writable page");
        write(shared + PAGE, b't').expect("a writable page");
        println!("child: {} {}", picture(private, 4), picture(shared, 4));
    });
    println!(
        "{status:?}, parent: {} {}",
        picture(private, 4),
        picture(shared, 4)
    );
    let bytes = std::fs::read(&path).expect("the file");
    let letters: String = bytes
        .iter()
        .step_by(PAGE)
        .copied()
        .map(char::from)
        .collect();
    println!("file: {letters}");
    unmap(private, 4 * PAGE).expect("to unmap");
    unmap(shared, 4 * PAGE).expect("to unmap");
    call(l::SYS_close, [file]).expect("to close");
    std::fs::remove_file(&path).expect("to remove it");
}

/// A call that writes to memory takes a copy as the program's own writes do.
fn written_by_the_kernel() {
    let base = map(AREA, 4 * PAGE, RW, ANONYMOUS | l::MAP_FIXED).expect("memory");
    fill(base, "ab");
    let [from, to] = pipe();
    let status = in_child(|| {
        let sent = call(l::SYS_write, [to, c"xyz".as_ptr() as usize, 3]);
        show("sent", sent);
        show(
            "read over the end of a page",
            call(l::SYS_read, [from, base + PAGE - 1, 3]),
        );
        println!("child: {}", picture(base, 4));
        show("sent", call(l::SYS_write, [to, base + 2 * PAGE, 5]));
        show(
            "read to an untouched page",
            call(l::SYS_read, [from, base + 3 * PAGE, 5]),
        );
        protect(base, PAGE, l::PROT_READ).expect("other rights");
        show("sent", call(l::SYS_write, [to, base, 1]));
        show(
            "read to what is not to be written",
            call(l::SYS_read, [from, base, 1]),
        );
        protect(base, PAGE, l::PROT_NONE).expect("other rights");
        show(
            "written from what is not to be read",
            call(l::SYS_write, [to, base, 1]),
        );
        unmap(base, PAGE).expect("to unmap");
        show("written from nothing", call(l::SYS_write, [to, base, 1]));
    });
    println!("{status:?}, parent: {}", picture(base, 4));
    for end in [from, to] {
        call(l::SYS_close, [end]).expect("to close");
    }
    unmap(base, 4 * PAGE).expect("to unmap");
}

fn heap() {
    let mut numbers: Vec<u64> = (0..100_000).collect();
    let status = in_child(|| {
        numbers.iter_mut().for_each(|number| *number *= 2);
        println!("child: {}", numbers.iter().sum::<u64>());
    });
    println!("{status:?}, parent: {}", numbers.iter().sum::<u64>());
}

fn the_end_of_children() {
    let ending = |status| wait(fork(|| status));
    println!("exit: {:?} {:?}", ending(0), ending(77));
    let killed = in_child(|| {
        let _ = kill(std::process::id() as usize, l::SIGKILL);
    });
    println!("killed: {killed:?}");
    let orphan = in_child(|| {
        in_child(|| ()).expect("a child");
        // A grandchild that may outlive its parent.
        fork(|| 3);
    });
    println!("with an orphan: {orphan:?}");
    // Where this program is the first of all, the orphan is now its child.
    while wait(usize::MAX).is_ok() {}
    let unhandled = in_child(|| {
        // SAFETY: P3, no handler any more.
        unsafe { l::signal(l::SIGSEGV, l::SIG_DFL) };
        let _ = read(0);
    });
    println!("bad access: {unhandled:?}");
    let without_stack = in_child(|| {
        let none = l::stack_t {
            ss_sp: std::ptr::null_mut(),
            ss_flags: l::SS_DISABLE,
            ss_size: 0,
        };
        // SAFETY: P1: the structure lives across the call.
        unsafe { l::sigaltstack(&raw const none, std::ptr::null_mut()) };
        println!("{}", deeper(0));
    });
    println!("no stack left for a handler: {without_stack:?}");
}

#[expect(unconditional_recursion, reason = "the stack is to end")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(frame[7] + 1) + black_box(frame)[9]
}

/// Children at the same time, each with its own half of a memory that all have copies of.
fn many() {
    let pages = 1024;
    let base = fresh(pages);
    let shared = map(0, PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("memory");
    for page in 0..pages {
        write(base + page * PAGE, page as u8).expect("a writable page");
    }
    let sum = |from: usize| {
        let bytes = (0..pages).map(|page| read(from + page * PAGE).map_or(0, usize::from));
        bytes.sum::<usize>()
    };
    let before = sum(base);
    let children = (0..12u8).map(|child| {
        fork(|| {
            for page in (usize::from(child % 2)..pages).step_by(2) {
                write(base + page * PAGE, child).expect("a writable page");
            }
            let kept = (usize::from(1 - child % 2)..pages).step_by(2);
            let right = kept
                .clone()
                .all(|page| read(base + page * PAGE) == Ok(page as u8));
            let all = sum(base);
            let others: usize = kept.map(|page| usize::from(page as u8)).sum();
            let right = right && all == others + pages / 2 * usize::from(child);
            write(shared + usize::from(child), u8::from(right)).expect("a writable page");
            i32::from(child)
        })
    });
    let children: Vec<_> = children.collect();
    let ends: Vec<_> = children.into_iter().map(wait).collect();
    let right = (0..12)
        .filter(|child| read(shared + child) == Ok(1))
        .count();
    println!(
        "many: {ends:?}, {right} right, parent as before: {}",
        sum(base) == before
    );
    unmap(shared, PAGE).expect("to unmap");
    unmap(base, pages * PAGE).expect("to unmap");
}

static SHARED: AtomicU32 = AtomicU32::new(0);

/// The child runs in the parent's memory, on a stack of its own, while the parent waits.
fn vfork() {
    extern "C" fn child(page: *mut l::c_void) -> i32 {
        SHARED.store(42, SeqCst);
        let written = write(page as usize, b'v').is_ok();
        // SAFETY: P1: the end of the child alone.
        unsafe { l::_exit(if written { 5 } else { 6 }) }
    }
    let (stack, page) = (fresh(16), fresh(1));
    let top = (stack + 16 * PAGE) as *mut l::c_void;
    let flags = l::CLONE_VM | l::CLONE_VFORK | l::SIGCHLD;
    // SAFETY: P2, the stack; the parent waits until the child has ended.
    let pid = unsafe { l::clone(child, top, flags, page as *mut l::c_void) };
    println!(
        "vfork: {} {} {:?}",
        SHARED.load(SeqCst),
        picture(page, 1),
        wait(pid as usize)
    );
    show(
        "no more children",
        call(l::SYS_wait4, [usize::MAX, 0, 0, 0]),
    );
    show(
        "nor to look for",
        call(l::SYS_wait4, [usize::MAX, 0, l::WNOHANG as usize, 0]),
    );
    unmap(stack, 16 * PAGE).expect("to unmap");
    let private = map(0, PAGE, RW, ANONYMOUS).expect("memory");
    println!("{}", picture(private, 1));
}
