//! Segment descriptors and the task state segment (SDM vol. 3A, 3.4 and 7.7).

use super::stacks::CoreStacks;
use core::arch::asm;

/// Selector of kernel code. SYSRET wants user data 8 and user code 16 above STAR's base; what lies at the base itself is
/// for a return to 32-bit code, which does not exist here: ring 3 has one code segment, and it is 64-bit (K37).
pub(super) const KERNEL_CS: u16 = 0x08;
pub(super) const KERNEL_SS: u16 = 0x10;
pub(super) const SYSRET_BASE: u16 = 0x20;
const TSS_SELECTOR: u16 = 0x38;

/// Offset of RSP0 in [`Tables`].
pub(super) const RSP0: usize = core::mem::offset_of!(Tables, tss) + 4;

/// Interrupt stacks, as the numbers of the IST.
pub(super) const IST_DOUBLE_FAULT: u8 = 1;
pub(super) const IST_NMI: u8 = 2;
pub(super) const IST_MACHINE_CHECK: u8 = 3;

/// A 64-bit task state segment, as 32-bit words: RSP0 is words 1 and 2, IST1 words 9 and 10.
#[repr(C, align(4))]
struct Tss([u32; 26]);

/// The descriptor tables of a core.
#[repr(C, align(16))]
pub(super) struct Tables {
    gdt: [u64; 9],
    // RSP0 comes to lie on an 8-byte boundary.
    _align: u32,
    tss: Tss,
}

/// Where a table is, for the instructions that load one.
#[repr(C, packed)]
pub(super) struct Pointer {
    pub(super) limit: u16,
    pub(super) base: u64,
}

impl Tables {
    pub(super) const fn new() -> Self {
        Self {
            gdt: [
                0,
                0x00af_9b00_0000_ffff, // kernel code, 64-bit
                0x00cf_9300_0000_ffff, // kernel data
                0,
                0,
                0x00cf_f300_0000_ffff, // user data
                0x00af_fb00_0000_ffff, // user code, 64-bit
                0,
                0,
            ],
            _align: 0,
            tss: Tss([0; 26]),
        }
    }

    /// Enters the stacks and the task state's own address.
    pub(super) fn fill(&mut self, stacks: &CoreStacks) {
        let base = (&raw const self.tss) as u64;
        let limit = (size_of::<Tss>() - 1) as u64;
        self.gdt[7] = limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
        self.gdt[8] = base >> 32;
        let mut set = |word: usize, value: u64| {
            self.tss.0[word] = value as u32;
            self.tss.0[word + 1] = (value >> 32) as u32;
        };
        set(1, stacks.main);
        set(9, stacks.double_fault);
        set(11, stacks.nmi);
        set(13, stacks.machine_check);
        // No I/O permission map.
        self.tss.0[25] = (size_of::<Tss>() as u32) << 16;
    }

    /// Loads the tables into this core.
    ///
    /// # Safety
    /// The tables stay in place while the core uses them.
    pub(super) unsafe fn load(&self) {
        let gdt = Pointer {
            limit: (size_of_val(&self.gdt) - 1) as u16,
            base: self.gdt.as_ptr() as u64,
        };
        // SAFETY: K3, the descriptors are well-formed and stay; the code selector is the same code.
        unsafe {
            asm!(
                "lgdt [{gdt}]",
                "push {cs}",
                "lea {tmp}, [rip + 2f]",
                "push {tmp}",
                "retfq",
                "2: mov ss, {ss:x}",
                "mov ds, {zero:x}",
                "mov es, {zero:x}",
                "mov fs, {zero:x}",
                "mov gs, {zero:x}",
                "lldt {zero:x}",
                "ltr {tss:x}",
                gdt = in(reg) &gdt,
                cs = in(reg) u64::from(KERNEL_CS),
                ss = in(reg) u32::from(KERNEL_SS),
                zero = in(reg) 0u32,
                tss = in(reg) u32::from(TSS_SELECTOR),
                tmp = out(reg) _,
            );
        }
    }
}
