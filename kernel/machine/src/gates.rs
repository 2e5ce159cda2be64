//! The interrupt descriptor table, the same for every core (SDM vol. 3A, 6.10).

use super::descriptors::{IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_NMI, KERNEL_CS};
use super::entry;
use core::cell::UnsafeCell;
use x86_64::instructions::tables::{DescriptorTablePointer, lidt};
use x86_64::structures::idt::{Entry, ExceptionVector, HandlerFunc};
use x86_64::{PrivilegeLevel, VirtAddr};

const NMI: usize = ExceptionVector::NonMaskableInterrupt as usize;
const BREAKPOINT: usize = ExceptionVector::Breakpoint as usize;
const OVERFLOW: usize = ExceptionVector::Overflow as usize;
const DOUBLE_FAULT: usize = ExceptionVector::Double as usize;
const MACHINE_CHECK: usize = ExceptionVector::MachineCheck as usize;

/// The table: an array, as each of the 256 vectors has a gate here, and the crate's own table has none for those that are reserved.
#[repr(C, align(4096))]
struct Idt(UnsafeCell<[Entry<HandlerFunc>; 256]>);

// SAFETY: K3, written once by the first core, before the others run.
unsafe impl Sync for Idt {}

static IDT: Idt = Idt(UnsafeCell::new([Entry::missing(); 256]));

/// Fills the interrupt table. On the first core, once, before any table is loaded.
pub(super) fn fill() {
    for vector in 0..256 {
        let ist = match vector {
            NMI => Some(IST_NMI),
            DOUBLE_FAULT => Some(IST_DOUBLE_FAULT),
            MACHINE_CHECK => Some(IST_MACHINE_CHECK),
            _ => None,
        };
        let mut gate = Entry::missing();
        // SAFETY: K3, the stub saves what it interrupts, and its stack is there.
        unsafe {
            // An interrupt gate with privilege level 0: programs can raise none by INT n.
            let options = gate.set_handler_addr(VirtAddr::new(entry::stub_address(vector)));
            options.set_code_selector(KERNEL_CS);
            if let Some(number) = ist {
                options.set_stack_index(number - 1);
            }
            // INT3 and INTO are for programs; INTO is not an instruction of 64-bit code, but INT 4 is.
            if matches!(vector, BREAKPOINT | OVERFLOW) {
                options.set_privilege_level(PrivilegeLevel::Ring3);
            }
        }
        // SAFETY: K3, the first core alone runs.
        unsafe { (*IDT.0.get())[vector] = gate };
    }
}

/// Loads the table into this core.
pub(super) fn load() {
    let idt = DescriptorTablePointer {
        limit: (size_of::<Idt>() - 1) as u16,
        base: VirtAddr::from_ptr(IDT.0.get()),
    };
    // SAFETY: K3, the gates are well-formed and stay.
    unsafe { lidt(&idt) };
}
