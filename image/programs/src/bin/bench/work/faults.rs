//! Page faults.

use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};

use super::{Setting, Work};
use crate::mark;
use crate::memory::{PAGE, Region, shuffled};
use crate::process::Child;

/// Pages of a large region: 16 MiB.
const REGION: usize = 4096;
/// Mappings of one page each.
const SINGLES: usize = 512;
/// The most pages of the file.
const FILE: usize = 1024;

/// How a page is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    Write,
    Read,
}

impl Touch {
    fn touch(self, region: &mut Region, page: usize) {
        match self {
            Touch::Write => region.write(page),
            Touch::Read => region.read(page),
        }
    }
}

/// In which order pages are touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Rising,
    Random,
}

impl Order {
    pub(super) fn of(self, pages: usize) -> Vec<usize> {
        match self {
            Order::Rising => (0..pages).collect(),
            Order::Random => shuffled(pages),
        }
    }
}

/// Where the pages of a region come from.
#[derive(Debug)]
enum Source {
    Zero,
    Huge,
    File(File),
}

/// Pages of one large region.
#[derive(Debug)]
pub(super) struct Pages {
    source: Source,
    touch: Touch,
    order: Vec<usize>,
    region: Option<Region>,
}

impl Pages {
    pub(super) fn new(setting: &Setting, touch: Touch, order: Order) -> Pages {
        Pages {
            source: Source::Zero,
            touch,
            order: order.of(setting.scaled(REGION)),
            region: None,
        }
    }

    pub(super) fn huge(setting: &Setting) -> Pages {
        let pages = setting.scaled(REGION).next_multiple_of(512);
        Pages {
            source: Source::Huge,
            touch: Touch::Write,
            order: Order::Rising.of(pages),
            region: None,
        }
    }

    /// Of the program's own executable: every torus has it cached, and none has to be told.
    pub(super) fn file(setting: &Setting, order: Order) -> io::Result<Pages> {
        let file = File::open(&setting.own)?;
        let whole = file.metadata()?.len() as usize / PAGE;
        let pages = setting.scaled(FILE).min(whole);
        Ok(Pages {
            source: Source::File(file),
            touch: Touch::Read,
            order: order.of(pages),
            region: None,
        })
    }

    fn region(&self) -> io::Result<Region> {
        let bytes = self.order.len() * PAGE;
        match &self.source {
            Source::Zero => Region::new(bytes),
            Source::Huge => {
                let mut region = Region::aligned(bytes)?;
                region.advise(libc::MADV_HUGEPAGE)?;
                Ok(region)
            }
            Source::File(file) => Region::file(file, bytes),
        }
    }
}

impl Work for Pages {
    fn operations(&self) -> u64 {
        self.order.len() as u64
    }

    fn bytes(&self) -> u64 {
        (self.order.len() * PAGE) as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.region = Some(self.region()?);
        Ok(())
    }

    fn round(&mut self) -> io::Result<()> {
        let region = self.region.as_mut().ok_or_else(unprepared)?;
        for &page in &self.order {
            self.touch.touch(region, page);
            mark::operation();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.region = None;
        Ok(())
    }
}

/// Mappings of one page each, with a page between them that may not be touched: they cannot be joined.
#[derive(Debug)]
pub(super) struct Single {
    count: usize,
    touch: Touch,
    regions: Vec<Region>,
}

impl Single {
    pub(super) fn new(setting: &Setting, touch: Touch) -> Single {
        Single {
            count: setting.scaled(SINGLES),
            touch,
            regions: Vec::new(),
        }
    }
}

impl Work for Single {
    fn operations(&self) -> u64 {
        self.count as u64
    }

    fn bytes(&self) -> u64 {
        PAGE as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.regions.reserve(self.count);
        for _ in 0..self.count {
            self.regions.push(Region::fenced(PAGE)?);
        }
        Ok(())
    }

    fn round(&mut self) -> io::Result<()> {
        for region in &mut self.regions {
            self.touch.touch(region, 0);
            mark::operation();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.regions.clear();
        Ok(())
    }
}

/// Pages that a child shares, until they are written.
#[derive(Debug)]
pub(super) struct Copies {
    region: Region,
    child: Option<(Child, PipeWriter)>,
}

impl Copies {
    pub(super) fn new(setting: &Setting) -> io::Result<Copies> {
        Ok(Copies {
            region: Region::new(setting.scaled(REGION) * PAGE)?,
            child: None,
        })
    }
}

impl Work for Copies {
    fn operations(&self) -> u64 {
        self.region.pages() as u64
    }

    fn bytes(&self) -> u64 {
        (self.region.pages() * PAGE) as u64
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.region.fill();
        let (mut wait, end) = io::pipe()?;
        let child = Child::spawn(move || wait.read(&mut [0]).is_ok())?;
        self.child = Some((child, end));
        Ok(())
    }

    fn round(&mut self) -> io::Result<()> {
        for page in 0..self.region.pages() {
            self.region.write(page);
            mark::operation();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let (child, mut end) = self.child.take().ok_or_else(unprepared)?;
        end.write_all(&[0])?;
        child.wait()
    }
}

fn unprepared() -> io::Error {
    io::Error::other("a round was not prepared")
}
