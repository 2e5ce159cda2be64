//! Braid's own system calls, for programs: `docs/abi.md` has the list. On Linux they fail with ENOSYS.

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
}

/// Number of the call torus_info.
const TORUS_INFO: libc::c_long = 4096;

/// Asks about a torus; `None` is the caller's own.
///
/// # Errors
/// ENOSYS on Linux, EINVAL for a torus that does not exist.
pub fn torus_info(torus: Option<u32>) -> std::io::Result<TorusInfo> {
    let number = torus.map_or(-1, i64::from);
    let mut words = [0u64; 6];
    let size = size_of_val(&words);
    // SAFETY: the kernel writes at most `size` bytes to the buffer, which is that large.
    let answer = unsafe { libc::syscall(TORUS_INFO, number, words.as_mut_ptr(), size) };
    if answer < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let [id, tori, _, cores, frames, available] = words;
    Ok(TorusInfo {
        id,
        tori,
        cores,
        frames,
        available,
    })
}
