//! The end of the machine as on a board: by ACPI, without QEMU's exit device.

use braid_tests::booted::{Exec, Via, limine, programs};

/// The exit device is elsewhere, so that nothing but ACPI ends the machine.
const BOARD: &str = "debug-exit=0x80";

#[test]
fn the_machine_powers_itself_off() {
    for machine in ["q35", "pc"] {
        let exec = Exec::sh("exit 7").words(BOARD);
        let output = exec.qemu(&format!("-machine {machine}")).run();
        assert_eq!(output.status, 7, "{}", output.log);
        assert!(output.log.contains("powering off"), "{}", output.log);
    }
}

#[test]
fn uefi_powers_the_machine_off() {
    if limine("power off by UEFI's tables").is_none() {
        return;
    }
    let output = Exec::sh("exit 7").words(BOARD).via(Via::Uefi).run();
    assert_eq!(output.status, 7, "{}", output.log);
}

/// By reboot(2), as busybox does it.
#[test]
fn programs_restart_and_power_off() {
    for machine in ["q35", "pc"] {
        for (applet, said) in [("reboot", "rebooting"), ("poweroff", "powering off")] {
            let exec = Exec::busybox([applet, "-f"]).words(BOARD).may_leak();
            let output = exec.qemu(&format!("-machine {machine}")).run();
            assert_eq!(output.status, 0, "{}", output.log);
            assert!(output.log.contains(said), "{}", output.log);
        }
    }
}

#[test]
fn wrong_requests_and_other_users_are_refused() {
    let output = Exec::new(programs::rust("reboot")).run();
    assert_eq!(output.stdout, "still here\n", "{}", output.stderr);
}

/// A process that has not ended when patience does is named in the log, whichever torus it is on.
#[test]
fn the_log_says_what_the_end_waits_for() {
    let exec = Exec::new(programs::rust("lasting")).smp(2).tori(2);
    let output = exec.words("patience=0").run();
    let named = output.log.contains("torus 1 still waits for lasting");
    assert!(named, "{}", output.log);
}
