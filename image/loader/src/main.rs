//! The loader's program; see the library for what it does.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod boot;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!(
        "braid-loader runs in a machine: qemu-system-x86_64 -kernel braid-loader -initrd ARCHIVE"
    );
}
