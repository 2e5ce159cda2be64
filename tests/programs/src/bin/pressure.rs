//! Uses more memory than there is: `pressure WAY MIB`. Every byte of every page is written, and looked at again when the page has
//! been away. What it prints depends on neither.

use braid_test_programs::memory::{ANONYMOUS, PAGE, RW, map};
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
        "forks" => forks(&mut Pages::anonymous(pages)),
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

    fn all_wrong(&self) -> usize {
        (0..self.len()).map(|page| self.wrong(page)).sum()
    }
}

/// Writes everything, and looks at everything twice.
fn pattern(pages: &mut Pages) {
    (0..pages.len()).for_each(|page| pages.write(page));
    println!("wrong: {} {}", pages.all_wrong(), pages.all_wrong());
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
    let children: Vec<i32> = (0..3).map(|number| child(pages, number)).collect();
    let wrong = pages.all_wrong();
    let good = children.into_iter().filter(|&child| {
        let mut status = 0;
        // SAFETY: P1.
        unsafe { l::waitpid(child, &raw mut status, 0) };
        status == 0
    });
    println!(
        "good children: {}, wrong: {wrong} {}",
        good.count(),
        pages.all_wrong()
    );
}

fn child(pages: &mut Pages, number: usize) -> i32 {
    // SAFETY: P4.
    let pid = unsafe { l::fork() };
    assert!(pid >= 0, "no fork");
    if pid > 0 {
        return pid;
    }
    let mut wrong = pages.all_wrong();
    (0..pages.len())
        .filter(|page| page % 3 == number)
        .for_each(|page| pages.write(page));
    wrong += pages.all_wrong();
    std::process::exit(i32::from(wrong > 0));
}
