//! One worker: a process, and the two pipes between it and its parent.

use std::io::{self, PipeReader, PipeWriter, Read, Write};

use braid_bench::options::Clock;

use crate::clock;
use crate::process::Child;
use crate::work::Work;

/// Rounds before the first that counts: caches, pools and tables are then as they will stay.
const WARM_UP: u32 = 2;

/// When a round began and ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// What a worker is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Go {
    /// Begin a round at this time of the monotonic clock.
    At(u64),
    /// Everybody has done the round: tidy up, and prepare the next one.
    Next,
    /// There are no more rounds.
    Home,
}

impl Go {
    fn word(self) -> u64 {
        match self {
            Go::At(time) => time,
            Go::Next => 0,
            Go::Home => u64::MAX,
        }
    }
}

/// What a worker says, as words in its pipe.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// It has prepared its next round: so many operations, about so many bytes.
    Ready(u64, u64),
    /// It has done a round.
    Done(Span),
    /// It failed, with this error number, or 0.
    Failed(i32),
}

impl Said {
    fn words(self) -> [u64; 3] {
        match self {
            Said::Ready(operations, bytes) => [1, operations, bytes],
            Said::Done(Span { begin, end }) => [2, begin, end],
            Said::Failed(number) => [3, number as u64, 0],
        }
    }

    fn of(words: [u64; 3]) -> Said {
        match words {
            [1, operations, bytes] => Said::Ready(operations, bytes),
            [2, begin, end] => Said::Done(Span { begin, end }),
            [_, number, _] => Said::Failed(number as i32),
        }
    }
}

/// A worker, as its parent sees it.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    go: PipeWriter,
    said: PipeReader,
    /// Operations in a round.
    pub(super) operations: u64,
    /// Bytes that they are about.
    pub(super) bytes: u64,
    /// It waits for a round.
    is_ready: bool,
}

impl Worker {
    /// Makes a process that does rounds of what `make` makes.
    pub(super) fn new(
        make: impl FnOnce() -> io::Result<Box<dyn Work>>,
        round: impl Fn(&mut dyn Work) -> io::Result<Span>,
    ) -> io::Result<Worker> {
        let (mut told, go) = io::pipe()?;
        let (said, mut say) = io::pipe()?;
        let child = Child::spawn(move || {
            let result = make().and_then(|mut work| serve(&mut *work, round, &mut told, &mut say));
            let Err(error) = result else { return true };
            let number = error.raw_os_error().unwrap_or_else(|| {
                eprintln!("bench: {error}");
                0
            });
            // Without a reader there is nobody to tell.
            let _ = write(&mut say, Said::Failed(number).words());
            false
        })?;
        Ok(Worker {
            child,
            go,
            said,
            operations: 0,
            bytes: 0,
            is_ready: false,
        })
    }

    /// Waits until it is ready for a round.
    pub(super) fn ready(&mut self) -> io::Result<()> {
        if !self.is_ready {
            let Said::Ready(operations, bytes) = self.hear()? else {
                return Err(io::Error::other("a process is not ready"));
            };
            (self.operations, self.bytes) = (operations, bytes);
            self.is_ready = true;
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, go: Go) -> io::Result<()> {
        self.is_ready = false;
        write(&mut self.go, [go.word()])
    }

    /// Waits until it has done a round.
    pub(super) fn done(&mut self) -> io::Result<Span> {
        let Said::Done(span) = self.hear()? else {
            return Err(io::Error::other("a process did no round"));
        };
        Ok(span)
    }

    /// Waits until it has gone.
    pub(super) fn end(self) -> io::Result<()> {
        self.child.wait()
    }

    fn hear(&mut self) -> io::Result<Said> {
        let lost = |_| io::Error::other("a process ended before its work did");
        match Said::of(read(&mut self.said).map_err(lost)?) {
            Said::Failed(0) => Err(io::Error::other("a process failed")),
            Said::Failed(number) => Err(io::Error::from_raw_os_error(number)),
            said => Ok(said),
        }
    }
}

/// What a worker does.
fn serve(
    work: &mut dyn Work,
    round: impl Fn(&mut dyn Work) -> io::Result<Span>,
    told: &mut PipeReader,
    say: &mut PipeWriter,
) -> io::Result<()> {
    for _ in 0..WARM_UP {
        work.prepare()?;
        work.round()?;
        work.finish()?;
    }
    loop {
        work.prepare()?;
        write(say, Said::Ready(work.operations(), work.bytes()).words())?;
        let [time] = read(told)?;
        if time == Go::Home.word() {
            return work.finish();
        }
        while clock::now(Clock::Wall) < time {
            std::hint::spin_loop();
        }
        let span = round(work)?;
        write(say, Said::Done(span).words())?;
        let [_next] = read(told)?;
        work.finish()?;
    }
}

fn write<const N: usize>(pipe: &mut PipeWriter, words: [u64; N]) -> io::Result<()> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    pipe.write_all(&bytes)
}

fn read<const N: usize>(pipe: &mut PipeReader) -> io::Result<[u64; N]> {
    let mut words = [0; N];
    for word in &mut words {
        let mut bytes = [0; 8];
        pipe.read_exact(&mut bytes)?;
        *word = u64::from_le_bytes(bytes);
    }
    Ok(words)
}
