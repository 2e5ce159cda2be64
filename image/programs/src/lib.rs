#![doc = include_str!("../README.md")]

/// What there is to know about a torus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TorusInfo {
    /// Its number.
    pub id: u64,
    /// Tori of the machine.
    pub tori: u64,
    /// Its cores.
    pub cores: u64,
    /// Frames of 4096 bytes that it manages.
    pub frames: u64,
    /// Those of them that are free.
    pub available: u64,
    /// Messages with which it has asked other tori for pages.
    pub pulls: u64,
    /// Pages that came.
    pub pages_pulled: u64,
}

/// Number of the call torus_info.
const TORUS_INFO: libc::c_long = 4096;
/// Number of the call migrate.
const MIGRATE: libc::c_long = 4097;
/// Number of the call ring_probe.
const RING_PROBE: libc::c_long = 4112;
/// Words of torus_info before its counters.
const HEAD: usize = 8;
/// Which counters are the pulls and the pages pulled.
const PULLS: [usize; 2] = [28, 30];

/// Asks about a torus; `None` is the caller's own.
///
/// # Errors
/// ENOSYS on Linux, EINVAL for a torus that does not exist.
pub fn torus_info(torus: Option<u32>) -> std::io::Result<TorusInfo> {
    let number = torus.map_or(-1, i64::from);
    let mut words = [0u64; HEAD + PULLS[1] + 1];
    let size = size_of_val(&words);
    // SAFETY: G1, the kernel writes at most `size` bytes to the buffer, which is that large.
    let answer = unsafe { libc::syscall(TORUS_INFO, number, words.as_mut_ptr(), size) };
    if answer < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let [id, tori, _, cores, frames, available, ..] = words;
    let [pulls, pages_pulled] = PULLS.map(|counter| words[HEAD + counter]);
    Ok(TorusInfo {
        id,
        tori,
        cores,
        frames,
        available,
        pulls,
        pages_pulled,
    })
}

/// Moves the caller to another torus.
///
/// # Errors
/// Those of migrate in `docs/abi.md`; ENOSYS on Linux.
pub fn migrate_self(torus: u32) -> std::io::Result<()> {
    // SAFETY: G2, the call takes three numbers.
    match unsafe { libc::syscall(MIGRATE, 0, torus, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Sends up to `count` probes to a torus; with 0 waits until `expected` have come from there in all. Answers how many have
/// been sent to it and have come from it in all.
///
/// # Errors
/// Those of ring_probe in `docs/abi.md`; ENOSYS on Linux.
pub fn ring_probe(torus: u32, count: u64, expected: u64) -> std::io::Result<(u64, u64)> {
    let mut tally = [0u64; 3];
    // SAFETY: G1, the kernel writes three words to `tally`.
    let answer = unsafe { libc::syscall(RING_PROBE, torus, count, expected, tally.as_mut_ptr()) };
    if answer < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let [sent, received, _wrong] = tally;
    Ok((sent, received))
}
