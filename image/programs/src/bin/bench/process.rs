//! Processes.

use std::ffi::CString;
use std::io;

/// The argument by which the program ends at once: what `exec` executes.
pub(crate) const END_AT_ONCE: &str = "end-at-once";

/// A child process. It is waited for when dropped.
#[derive(Debug)]
pub(crate) struct Child(libc::pid_t);

impl Child {
    /// Makes a process that calls `f` and ends, with status 0 when it answers true.
    pub(crate) fn spawn(f: impl FnOnce() -> bool) -> io::Result<Child> {
        // SAFETY: G4.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let status = if f() { 0 } else { 1 };
                // SAFETY: G2, ends the process without what the parent has to do at its end.
                unsafe { libc::_exit(status) }
            }
            pid => Ok(Child(pid)),
        }
    }

    /// Waits until it has ended, well or not.
    pub(crate) fn wait(self) -> io::Result<()> {
        let status = self.reap()?;
        std::mem::forget(self);
        if status == 0 {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "a process ended with wait status {status:#x}"
        )))
    }

    /// Has it end, whatever it does.
    pub(crate) fn kill(&self) {
        // SAFETY: G2. It cannot fail: the child is there until it is waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }

    fn reap(&self) -> io::Result<libc::c_int> {
        let mut status = 0;
        // SAFETY: G1, `status` is writable for the call.
        if unsafe { libc::waitpid(self.0, &raw mut status, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // After a failure, which has been told, or as it was killed: its end does not matter.
        let _ = self.reap();
    }
}

/// The program and its one argument, made before it is executed.
#[derive(Debug)]
pub(crate) struct Command {
    path: CString,
    argument: CString,
}

impl Command {
    /// This program, as it ends at once.
    pub(crate) fn new(own: &str) -> io::Result<Command> {
        Ok(Command {
            path: CString::new(own)?,
            argument: CString::new(END_AT_ONCE)?,
        })
    }

    /// Becomes the program; false when that fails.
    pub(crate) fn execute(&self) -> bool {
        let arguments = [self.path.as_ptr(), self.argument.as_ptr(), std::ptr::null()];
        let environment = [std::ptr::null()];
        // SAFETY: G1, the arrays end with null pointers, and their strings with zero bytes.
        unsafe {
            libc::execve(self.path.as_ptr(), arguments.as_ptr(), environment.as_ptr());
        }
        false
    }
}
