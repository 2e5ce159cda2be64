//! Time by whichever clock there is.

use braid_tests::booted::Exec;

/// The rate of the time-stamp counter in kHz, measured on this machine, which has to be by `clock`.
fn rate(machine: &str, clock: &str) -> u64 {
    let exec = Exec::sh("sleep 0.2; echo slept").smp(1).log("debug");
    let output = exec.qemu(machine).same_as_host();
    let mut lines = output.log.lines();
    let found = lines.find_map(|line| line.split_once("] counter "));
    let (_, said) = found.unwrap_or_else(|| panic!("{}", output.log));
    assert!(said.contains(&format!("by the {clock};")), "{said}");
    said.split(' ').next().unwrap().parse().unwrap()
}

/// QEMU's counter has one rate, whatever it is measured by.
#[test]
fn three_clocks_measure_the_same() {
    let cases = [
        ("-machine q35,hpet=on", "HPET"),
        ("-machine pc,hpet=on", "HPET"),
        ("-machine q35,hpet=off", "ACPI timer"),
        ("-machine pc,hpet=off", "ACPI timer"),
        ("-machine pc,acpi=off,hpet=off", "8254"),
    ];
    let rates = cases.map(|(machine, clock)| rate(machine, clock));
    let (least, most) = (rates.iter().min().unwrap(), rates.iter().max().unwrap());
    assert!(most - least < least / 10, "{rates:?}");
}
