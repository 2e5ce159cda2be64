//! Segment descriptors and the task state segment (SDM vol. 3A, 3.4 and 7.7).

use super::stacks::CoreStacks;
use core::arch::asm;
use x86_64::instructions::tables::load_tss;
use x86_64::registers::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::structures::gdt::{
    Descriptor, DescriptorFlags, GlobalDescriptorTable, SegmentSelector,
};
use x86_64::structures::tss::TaskStateSegment;
use x86_64::{PrivilegeLevel, VirtAddr};

/// Selector of kernel code. SYSRET wants user data 8 and user code 16 above STAR's base; what lies at the base itself is
/// for a return to 32-bit code, which does not exist here: ring 3 has one code segment, and it is 64-bit (K37).
pub(super) const KERNEL_CS: SegmentSelector = SegmentSelector::new(1, PrivilegeLevel::Ring0);
const KERNEL_SS: SegmentSelector = SegmentSelector::new(2, PrivilegeLevel::Ring0);
pub(super) const SYSRET_BASE: u16 = 0x20;

/// The segments at the selectors above and in [`super::regs`]; the task state's two words follow.
const SEGMENTS: [u64; 7] = [
    0,
    DescriptorFlags::KERNEL_CODE64.bits(),
    DescriptorFlags::KERNEL_DATA.bits(),
    0,
    0,
    DescriptorFlags::USER_DATA.bits(),
    DescriptorFlags::USER_CODE64.bits(),
];
const TSS_SELECTOR: SegmentSelector =
    SegmentSelector::new(SEGMENTS.len() as u16, PrivilegeLevel::Ring0);

/// Offset of RSP0 in [`Tables`].
pub(super) const RSP0: usize = core::mem::offset_of!(Tables, tss)
    + core::mem::offset_of!(TaskStateSegment, privilege_stack_table);
// The entry code writes it as one word.
const _: () = assert!(RSP0.is_multiple_of(8));

/// Interrupt stacks, as the numbers of the IST.
pub(super) const IST_DOUBLE_FAULT: u16 = 1;
pub(super) const IST_NMI: u16 = 2;
pub(super) const IST_MACHINE_CHECK: u16 = 3;

/// The descriptor tables of a core.
#[repr(C, align(16))]
pub(super) struct Tables {
    gdt: GlobalDescriptorTable<{ SEGMENTS.len() + 2 }>,
    // RSP0 comes to lie on an 8-byte boundary.
    _align: u32,
    tss: TaskStateSegment,
}

impl Tables {
    pub(super) const fn new() -> Self {
        Self {
            gdt: GlobalDescriptorTable::from_raw_entries(&SEGMENTS),
            _align: 0,
            tss: TaskStateSegment::new(),
        }
    }

    /// Enters the stacks and the task state's own address.
    pub(super) fn fill(&mut self, stacks: &CoreStacks) {
        self.tss.privilege_stack_table[0] = VirtAddr::new(stacks.main);
        for (number, stack) in [
            (IST_DOUBLE_FAULT, stacks.double_fault),
            (IST_NMI, stacks.nmi),
            (IST_MACHINE_CHECK, stacks.machine_check),
        ] {
            self.tss.interrupt_stack_table[usize::from(number) - 1] = VirtAddr::new(stack);
        }
        self.gdt = GlobalDescriptorTable::from_raw_entries(&SEGMENTS);
        // SAFETY: K3, the task state stays where it is while the core uses it.
        let tss = unsafe { Descriptor::tss_segment_unchecked(&raw const self.tss) };
        self.gdt.append(tss);
    }

    /// Loads the tables into this core.
    ///
    /// # Safety
    /// The tables stay in place while the core uses them.
    pub(super) unsafe fn load(&self) {
        // SAFETY: K3, the descriptors are well-formed and stay; the code selector is the same code.
        unsafe {
            self.gdt.load_unsafe();
            CS::set_reg(KERNEL_CS);
            SS::set_reg(KERNEL_SS);
            DS::set_reg(SegmentSelector::NULL);
            ES::set_reg(SegmentSelector::NULL);
            FS::set_reg(SegmentSelector::NULL);
            GS::set_reg(SegmentSelector::NULL);
            asm!("lldt {:x}", in(reg) 0u32, options(nostack, preserves_flags));
            load_tss(TSS_SELECTOR);
        }
    }
}
