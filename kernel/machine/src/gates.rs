//! The interrupt descriptor table, the same for every core (SDM vol. 3A, 6.10).

use super::descriptors::{IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_NMI, KERNEL_CS, Pointer};
use super::entry;
use core::arch::asm;
use core::cell::UnsafeCell;

/// The table.
#[repr(C, align(4096))]
struct Idt(UnsafeCell<[[u64; 2]; 256]>);

// SAFETY: K3, written once by the first core, before the others run.
unsafe impl Sync for Idt {}

static IDT: Idt = Idt(UnsafeCell::new([[0; 2]; 256]));

/// Fills the interrupt table. On the first core, once, before any table is loaded.
pub(super) fn fill() {
    for vector in 0..256usize {
        let ist = match vector {
            2 => IST_NMI,
            8 => IST_DOUBLE_FAULT,
            18 => IST_MACHINE_CHECK,
            _ => 0,
        };
        let handler = entry::stub_address(vector);
        // A 64-bit interrupt gate with privilege level 0: programs can raise none by INT n.
        let mut gate = (handler & 0xffff)
            | u64::from(KERNEL_CS) << 16
            | u64::from(ist) << 32
            | 0x8e << 40
            | (handler >> 16 & 0xffff) << 48;
        // INT3 and INTO are for programs; INTO is not an instruction of 64-bit code, but INT 4 is.
        if vector == 3 || vector == 4 {
            gate |= 3 << 45;
        }
        // SAFETY: K3, the first core alone runs.
        unsafe { (*IDT.0.get())[vector] = [gate, handler >> 32] };
    }
}

/// Loads the table into this core.
pub(super) fn load() {
    let idt = Pointer {
        limit: (size_of::<Idt>() - 1) as u16,
        base: IDT.0.get() as u64,
    };
    // SAFETY: K3, the gates are well-formed and stay.
    unsafe { asm!("lidt [{}]", in(reg) &idt) };
}
