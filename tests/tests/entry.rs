//! The ways from a program into the kernel and back: what is closed stays closed, and what exceptions and signal frames say is
//! what Linux says. The cases are in `tests/programs/c/cases`.

use braid_tests::booted::cases;

fn on_one_torus(name: &str) {
    cases::as_on_linux(name, &cases::exec(name).smp(2).tori(1));
}

#[test]
fn gates_privileged_instructions_and_flags() {
    on_one_torus("ring0");
}

#[test]
fn there_is_no_32_bit_code() {
    on_one_torus("compat_rsp");
}

/// QEMU reads the stack of IRET and of far returns as the kernel would, which SMAP forbids.
#[test]
fn interrupt_returns_of_a_program() {
    let exec = cases::exec("iret").smp(1).tori(1);
    cases::as_on_linux("iret", &exec.qemu("-cpu max,smap=off"));
}

#[test]
fn a_fault_without_progress_ends() {
    on_one_torus("farret");
}

#[test]
fn handlers_start_clean() {
    on_one_torus("compat_sig");
}

#[test]
fn signal_frames_are_checked() {
    on_one_torus("sigreturn");
}

#[test]
fn segments_belong_to_their_program() {
    let exec = cases::exec("segments").smp(1).tori(1);
    cases::as_on_linux("segments", &exec);
}

#[test]
fn codes_and_addresses_of_exceptions() {
    on_one_torus("segv_codes");
}

#[test]
fn the_wait_status_tells_of_core_files() {
    on_one_torus("core_bit");
}

#[test]
fn random_signal_frames_harm_their_program_alone() {
    on_one_torus("sigfuzz");
}

#[test]
fn single_steps() {
    on_one_torus("step");
}
