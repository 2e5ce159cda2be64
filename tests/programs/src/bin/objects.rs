//! Memory objects: `objects build` prints the ids of objects made in many ways, `map` what mappings of them do, `snapshot` what
//! snapshots do, `errors` what bad calls answer.

use std::fs::File;
use std::os::fd::AsRawFd;

use braid_test_programs::children::{fork, pipe, wait};
use braid_test_programs::memory::{self as m, PAGE, RW, fresh, map_file, read, write};
use braid_test_programs::torus::{AVAILABLE, CONTENT_MADE, growth};
use braid_test_programs::vmo::{self as v, EXECUTE, MAP, READ, STREAMING, TRANSFER, close, noise};
use braid_test_programs::{Answer, call, error_name, show};
use libc as l;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("build") => build(),
        Some("map") => map(),
        Some("snapshot") => snapshot(),
        Some("errors") => errors(),
        Some("deep") => deep(),
        other => panic!("{other:?}"),
    }
}

fn show_id(name: &str, object: usize) {
    match v::id(object) {
        Ok(id) => println!("{name}: {id}"),
        Err(number) => println!("{name}: {}", error_name(number)),
    }
}

fn build() {
    let bytes = noise(1, 300_000);
    let builder = v::builder(STREAMING).expect("a builder");
    for chunk in bytes.chunks(70_001) {
        v::append(builder, chunk).expect("bytes");
    }
    // An empty append is none, and write(2) appends.
    show("nothing appended", v::append(builder, &[]));
    let line = b"written";
    show(
        "written",
        call(l::SYS_write, [builder, line.as_ptr() as usize, line.len()]),
    );
    show(
        "patched",
        v::patch(builder, &[(4000, &[9; 200]), (0, b"start")]),
    );
    let object = v::commit(builder).expect("an object");
    close(builder);
    show_id("built", object);
    show(
        "size",
        call(l::SYS_lseek, [object, 0, l::SEEK_END as usize]),
    );
    let slice = v::slice(object, 4096, 100_000).expect("a slice");
    show_id("slice", slice);
    let joined = v::concat(slice, object).expect("joined");
    show_id("joined", joined);
    let patched = v::patch(joined, &[(200_000, &[7; 5000]), (1, b"x")]).expect("patched");
    show_id("patched", patched);
    show_id("joined still", joined);
    let mut again = noise(1, 300_000);
    again.extend(b"written");
    again[4000..4200].fill(9);
    again[..5].copy_from_slice(b"start");
    let equal = v::object(&again);
    println!("equal content, equal id: {}", v::id(equal) == v::id(object));
    let mut buffer = [0u8; 300];
    let at = buffer.as_mut_ptr() as usize;
    show(
        "pread",
        call(l::SYS_pread64, [object, at, buffer.len(), 3900]),
    );
    println!("read what was written: {}", buffer == again[3900..4200]);
    show(
        "read at the end",
        call(l::SYS_read, [object, at, buffer.len()]),
    );
    let program = File::open("/proc/self/exe").expect("the program");
    let file = v::of_file(program.as_raw_fd() as usize).expect("its object");
    let page = v::slice(file, 0, 2 * PAGE).expect("its first pages");
    let mut bytes = vec![0; 2 * PAGE];
    show(
        "file",
        call(
            l::SYS_pread64,
            [page, bytes.as_mut_ptr() as usize, bytes.len(), 0],
        ),
    );
    println!(
        "as the file: {}",
        std::fs::read("/proc/self/exe")
            .expect("read")
            .starts_with(&bytes)
    );
    println!(
        "copied, equal id: {}",
        v::id(page) == v::id(v::object(&bytes))
    );
    show_id("file", file);
    show_id("empty", v::object(&[]));
}

fn map_object(object: usize, rights: i32, flags: i32) -> Answer {
    map_file(0, 10 * PAGE, rights, flags, object, 0)
}

fn map() {
    let bytes = noise(5, 10 * PAGE);
    let (one, other) = (v::object(&bytes), v::object(&bytes));
    // So that the program's own pages are cached, and do not count.
    let program = File::open("/proc/self/exe").expect("the program");
    let length = program.metadata().expect("its size").len() as usize;
    let own = map_file(
        0,
        length,
        l::PROT_READ,
        l::MAP_PRIVATE,
        program.as_raw_fd() as usize,
        0,
    );
    let own = own.expect("mapped");
    assert!(
        (0..length)
            .step_by(PAGE)
            .all(|offset| read(own + offset).is_ok())
    );
    let private = map_object(one, RW, l::MAP_PRIVATE).expect("mapped");
    let made = growth(CONTENT_MADE, || assert_eq!(sum(private), total(&bytes)));
    println!("frames made: {made}");
    let shared = map_object(other, l::PROT_READ, l::MAP_SHARED).expect("mapped");
    let available = growth(AVAILABLE, || {
        let made = growth(CONTENT_MADE, || assert_eq!(sum(shared), total(&bytes)));
        println!("frames made of equal content: {made}");
    });
    println!("frames taken: {}", available < -2);
    write(private + PAGE, b'!').expect("a private copy");
    println!(
        "written: {:?} {:?}",
        read(private + PAGE),
        read(shared + PAGE) == Ok(bytes[PAGE])
    );
    println!(
        "the object is as it was: {}",
        v::id(one) == v::id(v::object(&bytes))
    );
    show("shared for writing", map_object(one, RW, l::MAP_SHARED));
    show("made writable", m::protect(shared, PAGE, RW));
    let plain = v::restrict(one, READ | MAP).expect("restricted");
    show(
        "executable without the right",
        map_object(plain, l::PROT_READ | l::PROT_EXEC, l::MAP_PRIVATE),
    );
    let unmappable = v::restrict(one, READ).expect("restricted");
    show(
        "without the right to map",
        map_object(unmappable, l::PROT_READ, l::MAP_PRIVATE),
    );
    let unread = v::restrict(one, MAP).expect("restricted");
    let blind = map_object(unread, l::PROT_READ, l::MAP_PRIVATE).expect("mapped");
    println!("mapped without reading: {}", sum(blind) == total(&bytes));
    // A child has what may be given away.
    let kept = v::restrict(one, READ | MAP | EXECUTE).expect("restricted");
    let path = braid_test_programs::text(&format!("/proc/self/fd/{kept}"));
    show(
        "opened again",
        call(l::SYS_open, [path.as_ptr() as usize, 0]),
    );
    let child = fork(|| {
        let given = v::rights(one).is_ok() && v::rights(kept) == Err(l::EBADF);
        let first = total(&bytes) - u64::from(bytes[PAGE]) + u64::from(b'!');
        i32::from(given) + 2 * i32::from(sum(private) == first)
    });
    println!("child: {:?}", wait(child));
    for at in [private, shared, blind] {
        m::unmap(at, 10 * PAGE).expect("unmapped");
    }
    // An object that nothing but a mapping keeps.
    let short = v::object(&bytes[..PAGE + 10]);
    let at = map_file(0, 3 * PAGE, RW, l::MAP_PRIVATE, short, 0).expect("mapped");
    close(short);
    m::handle_faults();
    println!(
        "short: {}",
        m::picture(at + PAGE + 10, 1) == "." && read(at + 2 * PAGE).is_err()
    );
    m::unmap(at, 3 * PAGE).expect("unmapped");
}

/// The sum of the first bytes of ten pages.
fn sum(at: usize) -> u64 {
    (0..10)
        .map(|page| u64::from(read(at + page * PAGE).expect("a page")))
        .sum()
}

fn total(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .step_by(PAGE)
        .map(|byte| u64::from(*byte))
        .sum()
}

fn snapshot() {
    let bytes = noise(9, 6 * PAGE);
    let at = fresh(512);
    // Six pages of noise among untouched ones, and zeros that were written.
    let put = |page: usize, from: &[u8]| {
        for (index, byte) in from.iter().enumerate() {
            // SAFETY: P2.
            unsafe { ((at + page * PAGE + index) as *mut u8).write_volatile(*byte) };
        }
    };
    put(3, &bytes);
    put(100, &[0; PAGE]);
    let mut taken = Ok(0);
    let frames = growth(AVAILABLE, || taken = v::snapshot(at, 512 * PAGE));
    let object = taken.expect("a snapshot");
    println!("copied pages: {}", frames < -4);
    write(at + 3 * PAGE, bytes[0] ^ 1).expect("a copy");
    write(at + 200 * PAGE, 1).expect("a page");
    show_id("snapshot", object);
    println!(
        "memory goes on: {}",
        read(at + 3 * PAGE) == Ok(bytes[0] ^ 1)
    );
    let mapped = map_file(0, 512 * PAGE, RW, l::MAP_PRIVATE, object, 0).expect("mapped");
    println!(
        "mapped as it was: {}",
        read(mapped + 3 * PAGE) == Ok(bytes[0])
    );
    write(mapped + 4 * PAGE, 77).expect("a copy");
    show_id("after writes", object);
    // A snapshot of a mapping of a snapshot: what is written is in it, what is not is the same pages.
    let second = v::snapshot(mapped, 512 * PAGE).expect("a snapshot");
    show_id("second", second);
    let cut = v::slice(second, 0, 6 * PAGE).expect("a slice");
    show_id("its beginning", cut);
    close(object);
    m::unmap(mapped, 512 * PAGE).expect("unmapped");
    println!("after closing: {}", read(at + 4 * PAGE) == Ok(bytes[PAGE]));
    // A mapped file, of which one page was written.
    let program = File::open("/proc/self/exe").expect("the program");
    let file = program.as_raw_fd() as usize;
    let image = map_file(0, 4 * PAGE, RW, l::MAP_PRIVATE, file, 0).expect("mapped");
    write(image + 2 * PAGE, 0x5a).expect("a copy");
    let of_image = v::snapshot(image, 4 * PAGE).expect("a snapshot");
    let of_file = v::slice(v::of_file(file).expect("an object"), 0, 4 * PAGE).expect("a slice");
    let patched = v::patch(of_file, &[(2 * PAGE as u64, &[0x5a])]).expect("patched");
    println!("file: {}", v::id(of_image) == v::id(patched));
    let shared = m::map(0, PAGE, RW, l::MAP_SHARED | l::MAP_ANONYMOUS).expect("mapped");
    show("of shared memory", v::snapshot(shared, PAGE));
    show("of a hole", v::snapshot(at + 510 * PAGE, 1 << 40));
    show("unaligned", v::snapshot(at + 1, PAGE));
    show("of nothing", v::snapshot(at, 0));
    show("of a part of a page", v::snapshot(at, PAGE + 1));
    m::protect(at, PAGE, l::PROT_NONE).expect("protected");
    show("of what may not be read", v::snapshot(at, PAGE));
}

fn errors() {
    let [pipe, _] = pipe();
    let object = v::object(&noise(3, 10_000));
    let builder = v::builder(100).expect("a builder");
    for (name, descriptor) in [("not open", 999), ("another kind", pipe)] {
        show(name, v::append(descriptor, b"x"));
        show(name, v::patch(descriptor, &[(0, b"x")]));
        show(name, v::commit(descriptor));
        show(name, v::slice(descriptor, 0, 0));
        show(name, v::concat(object, descriptor));
        show_id(name, descriptor);
        show(name, v::restrict(descriptor, READ));
        show(name, v::of_file(descriptor));
        show(name, v::rights(descriptor));
    }
    show("object for builder", v::append(object, b"x"));
    show("object for builder", v::commit(object));
    show("builder for object", v::slice(builder, 0, 0));
    show("over the bound", v::append(builder, &[1; 101]));
    show("as much as fits", v::append(builder, &[1; 100]));
    show("one more", v::append(builder, b"x"));
    show(
        "patch beyond the end",
        v::patch(builder, &[(0, b"a"), (99, b"bc")]),
    );
    show(
        "patch at the end of numbers",
        v::patch(builder, &[(u64::MAX, b"bc")]),
    );
    let sealed = v::commit(builder).expect("an object");
    println!(
        "refused patches did nothing: {}",
        v::id(sealed) == v::id(v::object(&[1; 100]))
    );
    show("append after commit", v::append(builder, b"x"));
    show(
        "write after commit",
        call(l::SYS_write, [builder, b"x".as_ptr() as usize, 1]),
    );
    show("patch after commit", v::patch(builder, &[(0, b"x")]));
    show("commit after commit", v::commit(builder));
    show("read a builder", call(l::SYS_read, [builder, pipe, 0]));
    show(
        "write to an object",
        call(l::SYS_write, [object, b"x".as_ptr() as usize, 1]),
    );
    show("slice beyond the end", v::slice(object, 0, 10_001));
    show("slice backwards", v::slice(object, 2, 1));
    show("patch beyond the end", v::patch(object, &[(9_999, b"ab")]));
    show(
        "patches overlap",
        v::patch(object, &[(5, b"abc"), (7, b"d")]),
    );
    show(
        "too many patches",
        v::patch(object, &[(0, b"" as &[u8]); 65]),
    );
    show("bad patches", call(4102, [object, 8, 1, 0]));
    show(
        "bad bytes",
        call(4102, [object, [0usize, 8, 1].as_ptr() as usize, 1, 0]),
    );
    show("bad buffer", call(4106, [object, 8]));
    show("bad flags", call(4104, [object, 0, 1, 1]));
    show("bad rights", v::restrict(object, 16));
    let mapped_only = v::restrict(object, MAP | TRANSFER).expect("restricted");
    show("more rights", v::restrict(mapped_only, MAP | READ));
    show("rights", v::rights(mapped_only));
    show_id("id without reading", mapped_only);
    show("slice without reading", v::slice(mapped_only, 0, 1));
    show("concat without reading", v::concat(object, mapped_only));
    show("patch without reading", v::patch(mapped_only, &[(0, b"x")]));
    let mut byte = 0u8;
    show(
        "read without reading",
        call(l::SYS_read, [mapped_only, &raw mut byte as usize, 1]),
    );
    let mut half = v::object(&[1; 4096]);
    let doubled = loop {
        match v::concat(half, half) {
            Ok(larger) => half = larger,
            other => break other,
        }
    };
    show("too large", doubled);
    show_id("id of more than memory", half);
    show(
        "mapped at the end of numbers",
        map_file(
            0,
            PAGE,
            l::PROT_READ,
            l::MAP_PRIVATE,
            object,
            usize::MAX - 4095,
        ),
    );
    show("call that is not there", call(4111, [0]));
}

/// The highest ropes there are: doubled as often as it goes, cut, joined and patched at odd places.
fn deep() {
    for (name, unit) in [("bytes", 100), ("pages", 4096), ("odd", 3001)] {
        let bytes = noise(11, unit);
        let mut object = v::object(&bytes);
        let mut size = unit;
        while let Ok(larger) = v::concat(object, object) {
            close(object);
            (object, size) = (larger, 2 * size);
        }
        let middle = size / 3 / unit * unit;
        let cut = v::slice(object, middle + 1, size - unit - 1).expect("a slice");
        let joined = v::concat(cut, v::slice(object, 1, middle).expect("a slice")).expect("joined");
        let patch: [(u64, &[u8]); 2] = [(middle as u64 + 7, &[1; 5000]), (5, b"x")];
        let patched = v::patch(joined, &patch).expect("patched");
        let mut buffer = [0u8; 10];
        let at = buffer.as_mut_ptr() as usize;
        call(l::SYS_pread64, [patched, at, 10, middle]).expect("bytes");
        let wanted: Vec<u8> = (0..7)
            .map(|n| bytes[(middle + 1 + n) % unit])
            .chain([1, 1, 1])
            .collect();
        println!("{name}: {}", buffer[..] == wanted[..]);
        let beginning = v::slice(patched, 0, 20_000).expect("a slice");
        let mut flat: Vec<u8> = (0..20_000).map(|n| bytes[(n + 1) % unit]).collect();
        flat[5] = b'x';
        println!("{name}: {}", v::id(beginning) == v::id(v::object(&flat)));
        for open in [object, cut, joined, patched, beginning] {
            close(open);
        }
    }
}
