//! Mappings by raw calls, and accesses that may fault.

use std::arch::naked_asm;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};

use libc as l;

use crate::{Answer, call, error_name};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Readable and writable.
pub const RW: i32 = l::PROT_READ | l::PROT_WRITE;
/// Private and anonymous.
pub const ANONYMOUS: i32 = l::MAP_PRIVATE | l::MAP_ANONYMOUS;

/// mmap(2) without a file.
#[must_use = "the answer says what happened"]
pub fn map(address: usize, length: usize, rights: i32, flags: i32) -> Answer {
    map_file(address, length, rights, flags, usize::MAX, 0)
}

/// mmap(2).
#[must_use = "the answer says what happened"]
pub fn map_file(
    address: usize,
    length: usize,
    rights: i32,
    flags: i32,
    file: usize,
    offset: usize,
) -> Answer {
    let [rights, flags] = [rights, flags].map(|word| word as usize);
    call(l::SYS_mmap, [address, length, rights, flags, file, offset])
}

/// Private anonymous memory somewhere.
///
/// # Panics
/// There is none.
#[must_use]
pub fn fresh(pages: usize) -> usize {
    map(0, pages * PAGE, RW, ANONYMOUS).expect("memory")
}

/// munmap(2).
#[must_use = "the answer says what happened"]
pub fn unmap(address: usize, length: usize) -> Answer {
    call(l::SYS_munmap, [address, length])
}

/// mprotect(2).
#[must_use = "the answer says what happened"]
pub fn protect(address: usize, length: usize, rights: i32) -> Answer {
    call(l::SYS_mprotect, [address, length, rights as usize])
}

/// Prints an answer that is an address, as its distance to `base`.
pub fn show_address(name: &str, answer: Answer, base: usize) {
    match answer {
        Ok(address) if address >= base => println!("{name}: base + {:#x}", address - base),
        Ok(_) => println!("{name}: below the base"),
        Err(number) => println!("{name}: {}", error_name(number)),
    }
}

/// One letter for each page: what reading its first byte gives. `.` is zero, `!` a fault, else the byte.
#[must_use]
pub fn picture(address: usize, pages: usize) -> String {
    let letter = |page| match read(address + page * PAGE) {
        Ok(0) => '.',
        Ok(byte) => char::from(byte),
        Err(_) => '!',
    };
    (0..pages).map(letter).collect()
}

/// Writes a letter at the beginning of each page.
///
/// # Panics
/// One cannot be written.
pub fn fill(address: usize, letters: &str) {
    for (page, byte) in letters.bytes().enumerate() {
        write(address + page * PAGE, byte).expect("a writable page");
    }
}

/// A refused access: the signal, and whether its address was the one that was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    signal: i32,
    code: i32,
    at: usize,
}

impl Fault {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.signal, self.code) {
            (l::SIGSEGV, 1) => "SIGSEGV, not mapped",
            (l::SIGSEGV, 2) => "SIGSEGV, not allowed",
            (l::SIGSEGV, _) => "SIGSEGV",
            (l::SIGBUS, 2) => "SIGBUS, beyond the end",
            (l::SIGBUS, _) => "SIGBUS",
            _ => "another signal",
        }
    }
}

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static AT: AtomicUsize = AtomicUsize::new(0);

/// Lets accesses fault without harm: from now on SIGSEGV and SIGBUS are handled on a stack of their own.
pub fn handle_faults() {
    let stack = l::stack_t {
        ss_sp: fresh(16) as *mut l::c_void,
        ss_flags: 0,
        ss_size: 16 * PAGE,
    };
    // SAFETY: P1, the stack stays mapped; P3, the handler writes atomics and the registers it was given.
    unsafe {
        l::sigaltstack(&raw const stack, std::ptr::null_mut());
        let mut action: l::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as *const () as usize;
        action.sa_flags = l::SA_SIGINFO | l::SA_ONSTACK;
        l::sigaction(l::SIGSEGV, &raw const action, std::ptr::null_mut());
        l::sigaction(l::SIGBUS, &raw const action, std::ptr::null_mut());
    }
}

/// Notes a fault, and returns from the function that faulted with -1: each of ours faults with its return address on
/// top of the stack.
extern "C" fn note(signal: i32, info: *mut l::siginfo_t, context: *mut l::c_void) {
    // SAFETY: P5, the kernel's frame, and the stack that the registers in it name.
    unsafe {
        SIGNAL.store(signal, Relaxed);
        CODE.store((*info).si_code, Relaxed);
        AT.store((*info).si_addr() as usize, Relaxed);
        let registers = &mut (*context.cast::<l::ucontext_t>()).uc_mcontext.gregs;
        let stack = registers[l::REG_RSP as usize];
        registers[l::REG_RIP as usize] = *(stack as *const i64);
        registers[l::REG_RSP as usize] = stack + 8;
        registers[l::REG_RAX as usize] = -1;
    }
}

/// Reads the byte at `rdi`.
#[unsafe(naked)]
extern "C" fn reading(_: usize) -> i32 {
    naked_asm!("movzx eax, byte ptr [rdi]", "ret");
}

/// Writes the byte `sil` at `rdi`.
#[unsafe(naked)]
extern "C" fn writing(_: usize, _: u8) -> i32 {
    naked_asm!("mov [rdi], sil", "xor eax, eax", "ret");
}

/// Goes on at `rdi`, which returns.
#[unsafe(naked)]
extern "C" fn executing(_: usize) -> i32 {
    naked_asm!("jmp rdi");
}

fn seen(address: usize, answer: i32) -> Result<u8, Fault> {
    u8::try_from(answer).map_err(|_| Fault {
        signal: SIGNAL.load(Relaxed),
        code: CODE.load(Relaxed),
        at: AT.load(Relaxed).wrapping_sub(address),
    })
}

/// Reads a byte.
///
/// # Errors
/// The fault, when the program may not ([`handle_faults`] came first).
pub fn read(address: usize) -> Result<u8, Fault> {
    seen(address, reading(address))
}

/// Writes a byte, which nothing else may rely on.
///
/// # Errors
/// The fault, when the program may not ([`handle_faults`] came first).
pub fn write(address: usize, byte: u8) -> Result<(), Fault> {
    seen(address, writing(address, byte)).map(|_| ())
}

/// Runs what lies at an address: [`RETURN_7`], or something else that returns a byte.
///
/// # Errors
/// The fault, when the program may not ([`handle_faults`] came first).
pub fn execute(address: usize) -> Result<u8, Fault> {
    seen(address, executing(address))
}

/// `mov eax, 7; ret`.
pub const RETURN_7: [u8; 6] = [0xb8, 7, 0, 0, 0, 0xc3];

/// Prints what an access gave; a fault's address when it is another than the access's.
pub fn show_access(name: &str, seen: Result<u8, Fault>) {
    match seen {
        Ok(byte) => println!("{name}: {byte}"),
        Err(fault) if fault.at == 0 => println!("{name}: {}", fault.name()),
        Err(fault) => println!("{name}: {} at {:+#x}", fault.name(), fault.at.cast_signed()),
    }
}

/// Prints how reading, writing and executing at an address go. What can be written is written as it was.
pub fn show_rights(name: &str, address: usize) {
    let can = |seen: Result<u8, Fault>| seen.map_or_else(|fault| fault.name(), |_| "yes");
    let before = read(address);
    let written = write(address, before.unwrap_or(0)).map(|()| 0);
    let executed = if before == Ok(RETURN_7[0]) {
        can(execute(address))
    } else {
        "not tried"
    };
    println!(
        "{name}: read {}, write {}, execute {executed}",
        can(before),
        can(written)
    );
}
