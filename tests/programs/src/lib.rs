#![doc = include_str!("../README.md")]

pub mod children;
pub mod memory;
pub mod torus;
pub mod vmo;

use std::ffi::CString;

/// A system call's answer: a value, or an error number.
pub type Answer = Result<usize, i32>;

/// Makes a system call with raw arguments.
#[must_use = "the answer says what happened"]
pub fn call<const N: usize>(number: i64, arguments: [usize; N]) -> Answer {
    let mut six = [0; 6];
    six[..N].copy_from_slice(&arguments);
    let [a, b, c, d, e, f] = six;
    // SAFETY: P1, which each caller keeps.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer == -1 {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    } else {
        Ok(answer.cast_unsigned() as usize)
    }
}

/// A program's arguments that are numbers, up to the first that is none.
pub fn numbers() -> impl Iterator<Item = usize> {
    std::env::args().skip(1).map_while(|word| word.parse().ok())
}

/// A path or name as the kernel takes it.
///
/// # Panics
/// When it holds a NUL.
#[must_use]
pub fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

/// Prints what happened under a name.
pub fn show(name: &str, answer: Answer) {
    match answer {
        Ok(value) => println!("{name}: {value}"),
        Err(number) => println!("{name}: {}", error_name(number)),
    }
}

/// The name of an error number, as far as these programs meet it.
#[must_use]
pub fn error_name(number: i32) -> String {
    const NAMES: [(i32, &str); 38] = [
        (libc::EPERM, "EPERM"),
        (libc::ENOENT, "ENOENT"),
        (libc::ESRCH, "ESRCH"),
        (libc::EINTR, "EINTR"),
        (libc::EIO, "EIO"),
        (libc::ENXIO, "ENXIO"),
        (libc::E2BIG, "E2BIG"),
        (libc::ENOEXEC, "ENOEXEC"),
        (libc::EBADF, "EBADF"),
        (libc::EBADFD, "EBADFD"),
        (libc::ECHILD, "ECHILD"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::EACCES, "EACCES"),
        (libc::EFAULT, "EFAULT"),
        (libc::EBUSY, "EBUSY"),
        (libc::EEXIST, "EEXIST"),
        (libc::EXDEV, "EXDEV"),
        (libc::ENODEV, "ENODEV"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::EISDIR, "EISDIR"),
        (libc::EINVAL, "EINVAL"),
        (libc::EMFILE, "EMFILE"),
        (libc::ENOTTY, "ENOTTY"),
        (libc::EFBIG, "EFBIG"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::ESPIPE, "ESPIPE"),
        (libc::EROFS, "EROFS"),
        (libc::EPIPE, "EPIPE"),
        (libc::ERANGE, "ERANGE"),
        (libc::ENAMETOOLONG, "ENAMETOOLONG"),
        (libc::ENOSYS, "ENOSYS"),
        (libc::ENOTEMPTY, "ENOTEMPTY"),
        (libc::ELOOP, "ELOOP"),
        (libc::EOVERFLOW, "EOVERFLOW"),
        (libc::EOPNOTSUPP, "EOPNOTSUPP"),
        (libc::EDEADLK, "EDEADLK"),
        (libc::ETIMEDOUT, "ETIMEDOUT"),
    ];
    let name = NAMES.iter().find(|(known, _)| *known == number);
    name.map_or_else(|| format!("error {number}"), |(_, name)| (*name).to_owned())
}
