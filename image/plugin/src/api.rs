//! QEMU's plug-in interface, version 1, as far as it is used here (QEMU: docs/devel/tcg-plugins.rst,
//! include/qemu/qemu-plugin.h).

use core::ffi::{c_int, c_uint, c_void};

/// The version of the interface that this plug-in was written for.
pub(crate) const VERSION: c_int = 1;

/// Identifies a loaded plug-in.
pub(crate) type Id = u64;

/// A translation block, while it is being translated.
#[repr(C)]
pub(crate) struct Block {
    _opaque: [u8; 0],
}

/// An instruction of a block.
#[repr(C)]
pub(crate) struct Insn {
    _opaque: [u8; 0],
}

/// A memory access, encoded.
pub(crate) type MemInfo = u32;

/// Where an access went in the machine's memory.
#[repr(C)]
pub(crate) struct HwAddr {
    _opaque: [u8; 0],
}

/// Called when a processor executes something.
pub(crate) type ExecCallback = extern "C" fn(vcpu: c_uint, data: *mut c_void);
/// Called when a processor has accessed memory.
pub(crate) type MemCallback =
    extern "C" fn(vcpu: c_uint, info: MemInfo, address: u64, data: *mut c_void);

/// `QEMU_PLUGIN_CB_NO_REGS`: callbacks do not look at registers.
pub(crate) const NO_REGS: c_int = 0;
/// `QEMU_PLUGIN_MEM_RW`
pub(crate) const ALL_ACCESSES: c_int = 3;

unsafe extern "C" {
    pub(crate) fn qemu_plugin_register_vcpu_tb_trans_cb(
        id: Id,
        callback: extern "C" fn(Id, *mut Block),
    );
    pub(crate) fn qemu_plugin_register_atexit_cb(
        id: Id,
        callback: extern "C" fn(Id, *mut c_void),
        data: *mut c_void,
    );
    pub(crate) fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    pub(crate) fn qemu_plugin_tb_vaddr(block: *const Block) -> u64;
    pub(crate) fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Insn;
    pub(crate) fn qemu_plugin_insn_data(insn: *const Insn) -> *const u8;
    pub(crate) fn qemu_plugin_insn_size(insn: *const Insn) -> usize;
    pub(crate) fn qemu_plugin_insn_vaddr(insn: *const Insn) -> u64;
    pub(crate) fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut Block,
        callback: ExecCallback,
        flags: c_int,
        data: *mut c_void,
    );
    pub(crate) fn qemu_plugin_register_vcpu_insn_exec_cb(
        insn: *mut Insn,
        callback: ExecCallback,
        flags: c_int,
        data: *mut c_void,
    );
    pub(crate) fn qemu_plugin_register_vcpu_mem_cb(
        insn: *mut Insn,
        callback: MemCallback,
        flags: c_int,
        which: c_int,
        data: *mut c_void,
    );
    pub(crate) fn qemu_plugin_mem_is_store(info: MemInfo) -> bool;
    pub(crate) fn qemu_plugin_get_hwaddr(info: MemInfo, address: u64) -> *mut HwAddr;
    pub(crate) fn qemu_plugin_hwaddr_is_io(address: *const HwAddr) -> bool;
    pub(crate) fn qemu_plugin_hwaddr_phys_addr(address: *const HwAddr) -> u64;
}
