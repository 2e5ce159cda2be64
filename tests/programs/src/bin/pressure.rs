//! Uses more memory than there is: `pressure WAY MIB`. Every byte of every page is written, and looked at again when the page has
//! been away. What it prints depends on neither.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;

use braid_test_programs::call;
use braid_test_programs::children::{fork, wait};
use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map, map_file};
use libc as l;

/// Words of a page.
const WORDS: usize = PAGE / 8;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, way, mebibytes] = &words[..] else {
        panic!("pressure WAY MIB")
    };
    let pages = mebibytes.parse::<usize>().expect("a number") << 20 >> 12;
    match way.as_str() {
        "pattern" => pattern(&mut Pages::anonymous(pages)),
        "random" => random(&mut Pages::anonymous(pages)),
        "huge" => pattern(&mut Pages::huge(pages)),
        "scattered" => scattered(pages),
        "forks" => forks(&mut Pages::anonymous(pages)),
        "shared" => shared(&mut Pages::shared(pages, usize::MAX)),
        "file" => file(pages),
        "mapped" => mapped(pages),
        _ => panic!("{way}: no such way"),
    }
}

/// Pages of which each holds a version of what is its own.
struct Pages {
    words: &'static mut [u64],
    /// What each page holds; small beside the pages.
    versions: Vec<u8>,
}

impl Pages {
    fn anonymous(pages: usize) -> Pages {
        Pages::at(map(0, pages * PAGE, RW, ANONYMOUS).expect("room"), pages)
    }

    /// Of 2 MiB, as long as there are any.
    fn huge(pages: usize) -> Pages {
        let all = Pages::anonymous(pages);
        let range = all.bytes().as_ptr_range();
        let advice = [range.start.addr(), pages * PAGE, l::MADV_HUGEPAGE as usize];
        let advised = call(l::SYS_madvise, advice);
        // A kernel that was built without them refuses, and nothing else is different.
        assert!(advised.is_ok() || advised == Err(l::EINVAL));
        all
    }

    /// Of shared anonymous memory, or of a file.
    fn shared(pages: usize, file: usize) -> Pages {
        let anonymous = if file == usize::MAX {
            l::MAP_ANONYMOUS
        } else {
            0
        };
        let flags = l::MAP_SHARED | anonymous;
        let address = map_file(0, pages * PAGE, RW, flags, file, 0).expect("room");
        Pages::at(address, pages)
    }

    fn at(address: usize, pages: usize) -> Pages {
        let start = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: P2, nothing else knows the mapping, and it stays.
        let words = unsafe { std::slice::from_raw_parts_mut(start, pages * WORDS) };
        Pages {
            words,
            versions: vec![0; pages],
        }
    }

    fn len(&self) -> usize {
        self.versions.len()
    }

    fn word(page: usize, version: u8, index: usize) -> u64 {
        if version == 0 {
            return 0;
        }
        let seed = (page as u64) << 24 | u64::from(version) << 16 | index as u64;
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// Writes the next version of a page.
    fn write(&mut self, page: usize) {
        let version = self.versions[page] % 250 + 1;
        self.versions[page] = version;
        let words = &mut self.words[page * WORDS..][..WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = Self::word(page, version, index);
        }
    }

    /// How many words of a page are wrong.
    fn wrong(&self, page: usize) -> usize {
        let version = self.versions[page];
        let words = self.words[page * WORDS..][..WORDS].iter().enumerate();
        words
            .filter(|&(index, &word)| word != Self::word(page, version, index))
            .count()
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: P2, bytes of the same mapping.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), size_of_val(self.words)) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let len = size_of_val(self.words);
        // SAFETY: P2, bytes of the same mapping.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast(), len) }
    }

    fn all_wrong(&self) -> usize {
        (0..self.len()).map(|page| self.wrong(page)).sum()
    }
}

/// Writes everything, and looks at everything twice.
fn pattern(pages: &mut Pages) {
    (0..pages.len()).for_each(|page| pages.write(page));
    println!("wrong: {} {}", pages.all_wrong(), pages.all_wrong());
}

/// Pages of which each needs a page table of its own; then a child, if there is room for its tables.
fn scattered(pages: usize) {
    const APART: usize = 2 << 20;
    let noreserve = ANONYMOUS | l::MAP_NORESERVE;
    let start = map(0, pages * APART, RW, noreserve).expect("room");
    let mut scattered: Vec<Pages> = (0..pages)
        .map(|page| Pages::at(start + page * APART, 1))
        .collect();
    scattered.iter_mut().for_each(|page| page.write(0));
    let wrong = |all: &[Pages]| all.iter().map(Pages::all_wrong).sum::<usize>();
    println!("wrong: {} {}", wrong(&scattered), wrong(&scattered));
    // SAFETY: P4.
    match unsafe { l::fork() } {
        -1 => println!("no child: {}", std::io::Error::last_os_error()),
        // SAFETY: P1.
        0 => unsafe { l::_exit(0) },
        _ => println!("a child"),
    }
    println!("wrong: {}", wrong(&scattered));
}

/// A child writes what the parent sees.
fn shared(pages: &mut Pages) {
    (0..pages.len() / 2).for_each(|page| pages.write(page));
    let child = child(pages, |pages| {
        let wrong = pages.all_wrong();
        (0..pages.len())
            .filter(|page| page % 2 == 0)
            .for_each(|page| pages.write(page));
        wrong
    });
    let end = wait(child);
    for (page, version) in pages.versions.iter_mut().enumerate() {
        *version += u8::from(page % 2 == 0);
    }
    println!(
        "child: {end:?}, wrong: {} {}",
        pages.all_wrong(),
        pages.all_wrong()
    );
}

/// A file in `/tmp` that is written with write(2), looked at with read(2) and in a mapping, and cut.
fn file(pages: usize) {
    let path = format!("/tmp/pressure.{}", std::process::id());
    let mut file = File::options()
        .create_new(true)
        .read(true)
        .write(true)
        .open(&path)
        .expect("a file");
    let mut page = Pages::at(map(0, PAGE, RW, ANONYMOUS).expect("room"), 1);
    for number in 0..pages {
        page.write(0);
        page.words[0] = number as u64;
        file.write_all(page.bytes()).expect("room");
    }
    let mapped = Pages::shared(pages, file.as_raw_fd() as usize);
    file.rewind().expect("a file");
    let (mut wrong, mut version) = (0, 0);
    for number in 0..pages {
        version = version % 250 + 1;
        file.read_exact(page.bytes_mut())
            .expect("as much as was written");
        let first = [page.words[0], mapped.words[number * WORDS]];
        let expected = |index| Pages::word(0, version, index);
        let same = |words: &[u64]| (1..WORDS).all(|index| words[index] == expected(index));
        let good = same(page.words) && same(&mapped.words[number * WORDS..][..WORDS]);
        wrong += usize::from(!good || first != [number as u64; 2]);
    }
    let half = (pages / 2 * PAGE) as u64 + 9;
    file.set_len(half).expect("shorter");
    file.set_len(half + 4000).expect("longer");
    file.seek(SeekFrom::Start(half - 1)).expect("within");
    let mut rest = Vec::new();
    file.read_to_end(&mut rest).expect("a file");
    let zeros = rest.iter().skip(1).filter(|&&byte| byte == 0).count();
    std::fs::remove_file(&path).expect("the file");
    println!(
        "wrong: {wrong}, after the cut: {} bytes, {zeros} zeros",
        rest.len()
    );
}

/// The program's own file, mapped privately, is looked at again and again while other memory is used.
fn mapped(pages: usize) {
    let file = File::open("/proc/self/exe").expect("the program");
    let length = file.metadata().expect("a file").len() as usize;
    let own = std::fs::read("/proc/self/exe").expect("the program");
    let flags = l::MAP_PRIVATE;
    let fd = file.as_raw_fd() as usize;
    let at = map_file(0, length, RW, flags, fd, 0).expect("room");
    // SAFETY: P2.
    let shown = unsafe {
        std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut::<u8>(at), length)
    };
    let mut other = Pages::anonymous(pages);
    let mut same = 0;
    for round in 0..4 {
        same += usize::from(shown[round..] == own[round..]);
        shown[round] = round as u8;
        (0..other.len()).for_each(|page| other.write(page));
    }
    let written = (0..4).filter(|&round| shown[round] == round as u8).count();
    println!(
        "same: {same}, written: {written}, wrong: {}",
        other.all_wrong()
    );
}

/// Looks and writes here and there.
fn random(pages: &mut Pages) {
    let mut state = 1u64;
    let mut wrong = 0;
    for _ in 0..3 * pages.len() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let page = (state >> 33) as usize % pages.len();
        wrong += pages.wrong(page);
        if state >> 32 & 1 == 0 {
            pages.write(page);
        }
    }
    println!("wrong: {wrong} {}", pages.all_wrong());
}

/// Three children look at what they have from the parent, and write parts of it; then the parent looks again.
fn forks(pages: &mut Pages) {
    (0..pages.len()).for_each(|page| pages.write(page));
    let write_part = |pages: &mut Pages, number| {
        let wrong = pages.all_wrong();
        (0..pages.len())
            .filter(|page| page % 3 == number)
            .for_each(|page| pages.write(page));
        wrong + pages.all_wrong()
    };
    let children: Vec<usize> = (0..3)
        .map(|number| child(pages, |pages| write_part(pages, number)))
        .collect();
    let wrong = pages.all_wrong();
    let good = children.into_iter().filter(|&child| wait(child) == Ok(0));
    println!(
        "good children: {}, wrong: {wrong} {}",
        good.count(),
        pages.all_wrong()
    );
}

/// A child that does this, and fails when anything was wrong.
fn child(pages: &mut Pages, act: impl FnOnce(&mut Pages) -> usize) -> usize {
    fork(|| i32::from(act(pages) > 0))
}
